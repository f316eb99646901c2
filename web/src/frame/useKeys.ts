import { useHotkeys } from "@mantine/hooks";

/** Keys of a page, which also work while a checkbox or a button has the focus, and never while somebody writes. */
export function useKeys(keys: Record<string, () => void>): void {
  useHotkeys(
    Object.entries(keys).map(([key, run]) => [
      key,
      (event) => {
        if (isWriting(event.target)) return;
        event.preventDefault();
        run();
      },
      { preventDefault: false },
    ]),
    [],
  );
}

const NO_TEXT: readonly string[] = ["checkbox", "radio", "button", "submit"];

function isWriting(target: EventTarget | null): boolean {
  if (target instanceof HTMLInputElement) return !NO_TEXT.includes(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}
