/** A column of a table that can be saved: what is shown, and the same value unrounded for a file. */
export interface SavedColumn<T> {
  header: string;
  value: (row: T) => string;
}

const NUMBER = /^[+-]?\d+(\.\d+)?$/;

/**
 * RFC 4180, with a byte order mark so that spreadsheets read UTF-8. A cell that a spreadsheet would run as a formula
 * gets an apostrophe before it; plain numbers stay numbers.
 */
export function toCsv<T>(columns: readonly SavedColumn<T>[], rows: readonly T[]): string {
  const lines = [columns.map((column) => column.header), ...rows.map((row) => columns.map((column) => column.value(row)))];
  return `\uFEFF${lines.map((line) => line.map(cell).join(",")).join("\r\n")}\r\n`;
}

function cell(text: string): string {
  const safe = /^\s*[=+\-@]/.test(text) && !NUMBER.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) || safe !== safe.trim() ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Hands the text to the browser as a file. */
export function save(name: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  window.setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
