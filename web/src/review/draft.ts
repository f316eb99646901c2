import { useEffect, useState } from "react";

/**
 * Text that somebody is writing, kept in this tab until it is sent: it outlives a reload and a sign-in by way of
 * another page.
 */
export function useDraft(key: string): [string, (text: string) => void, () => void] {
  const name = `draft:${key}`;
  const [text, setText] = useState(() => sessionStorage.getItem(name) ?? "");
  useEffect(() => {
    if (text === "") sessionStorage.removeItem(name);
    else sessionStorage.setItem(name, text);
  }, [name, text]);
  return [text, setText, () => setText("")];
}
