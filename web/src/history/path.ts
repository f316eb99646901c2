/** Where an account's history is. Apart from the page, so that those who only link to it do not load its table. */
export const historyPath = (accountId: string): string => `/accounts/${encodeURIComponent(accountId)}`;
