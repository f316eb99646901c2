/** What the server tells the pages before anybody has signed in. */
export interface PagesConfig {
  publicUrl: string;
  issuer: string;
  clientId: string;
  scope: string;
  temporalUi: string | null;
  temporalNamespace: string;
}

export async function loadConfig(): Promise<PagesConfig> {
  const answer = await fetch("/pages.json", { headers: { Accept: "application/json" } });
  if (!answer.ok) throw new Error(`/pages.json answered ${answer.status}`);
  return (await answer.json()) as PagesConfig;
}
