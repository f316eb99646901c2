import { setNonce } from "get-nonce";

const element = document.querySelector<HTMLMetaElement>('meta[name="csp-nonce"]');

/** Of this load of the page: style elements without it are refused by the page's own policy. */
export const nonce: string = element?.content ?? "";

setNonce(nonce);
