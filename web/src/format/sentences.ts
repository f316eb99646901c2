import { formatDate } from "./dates";

/**
 * One of the API's sentences with its dates, dollars and percentages as the reader writes them. Only for what the API
 * says itself: a person's own words, such as the reason of a rejection, stay as they were written.
 */
export function inLocale(sentence: string): string {
  return sentence
    .replace(/\b\d{4}-\d{2}-\d{2}\b(?!T)/g, (date) => formatDate(date))
    .replace(/(-?)\$(\d+(?:,\d{3})*(?:\.\d+)?)/g, (_, sign: string, figure: string) => figureOf(sign + figure, "dollars"))
    .replace(/(-?\d+(?:,\d{3})*(?:\.\d+)?) ?%/g, (_, figure: string) => figureOf(figure, "percent"))
    .replace(/(-?\d+(?:,\d{3})*(?:\.\d+)?) bp\b/g, (_, figure: string) => `${figureOf(figure, "plain")} bp`);
}

/** What has changed since somebody looked; a decision and a suspension carry a person's own words. */
export function changeInLocale({ code, sentence }: { code: string; sentence: string }): string {
  return code === "DECIDED" || code === "SUSPENDED" ? sentence : inLocale(sentence);
}

type Style = "dollars" | "percent" | "plain";

const STYLES: Record<Style, Intl.NumberFormatOptions> = {
  dollars: { style: "currency", currency: "USD" },
  percent: { style: "unit", unit: "percent" },
  plain: {},
};

const made = new Map<string, Intl.NumberFormat>();

/** With as many decimals as the sentence gives. */
function figureOf(text: string, style: Style): string {
  const plain = text.replaceAll(",", "");
  const places = plain.split(".")[1]?.length ?? 0;
  const key = `${style}${places}`;
  let format = made.get(key);
  if (format === undefined) {
    format = new Intl.NumberFormat(undefined, { ...STYLES[style], minimumFractionDigits: places, maximumFractionDigits: places });
    made.set(key, format);
  }
  return format.format(plain as Intl.StringNumericLiteral);
}
