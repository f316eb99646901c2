import { InMemoryWebStorage, type User, UserManager, WebStorageStateStore } from "oidc-client-ts";
import type { PagesConfig } from "./config";

export const SIGNED_IN_PATH = "/signed-in";

/** Where to go on after the sign-in: a path of these pages, never another host. */
interface Returning {
  to: string;
}

/**
 * One person's sign-in: authorization code with PKCE. Tokens live in this page's memory alone, so that nothing which
 * reads the browser's storage finds one; a page that is loaded anew asks to sign in again.
 */
export class Session {
  private readonly manager: UserManager;
  // Of the request under way, for the way back: state and PKCE verifier, used once.
  private readonly requests = new WebStorageStateStore({ store: window.sessionStorage });
  private user: User | null = null;
  private ended = false;
  private again = 0;
  private readonly listeners = new Set<() => void>();

  constructor(config: PagesConfig) {
    this.manager = new UserManager({
      authority: config.issuer,
      client_id: config.clientId,
      scope: config.scope,
      redirect_uri: config.publicUrl + SIGNED_IN_PATH,
      popup_redirect_uri: config.publicUrl + SIGNED_IN_PATH,
      response_type: "code",
      automaticSilentRenew: true,
      accessTokenExpiringNotificationTimeInSeconds: 60,
      loadUserInfo: false,
      monitorSession: false,
      userStore: new WebStorageStateStore({ store: new InMemoryWebStorage() }),
      stateStore: this.requests,
      popupWindowFeatures: { width: 480, height: 640 },
    });
    this.manager.events.addUserLoaded((user) => this.hold(user));
    this.manager.events.addSilentRenewError(() => this.end());
    this.manager.events.addAccessTokenExpired(() => this.end());
  }

  get token(): string | null {
    return this.user?.access_token ?? null;
  }

  get isEnded(): boolean {
    return this.ended;
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** "out" before the first sign-in, "ended" when it ran out: the page keeps what it shows. */
  state = (): "out" | "in" | "ended" => {
    if (this.ended) return "ended";
    return this.user === null ? "out" : "in";
  };

  /** To the issuer and back to this address. */
  async signIn(to: string): Promise<void> {
    const state: Returning = { to };
    await this.manager.signinRedirect({ state });
  }

  /** Called at SIGNED_IN_PATH: takes the code in; the path to go on at. In a pop-up it closes the window. */
  async comeBack(): Promise<string> {
    if (window.opener !== null && !(await this.asked())) {
      await this.manager.signinPopupCallback(); // a window beside the page, which asked and goes on
      return SIGNED_IN_PATH;
    }
    const user = await this.manager.signinRedirectCallback();
    this.hold(user);
    const state = user.state as Returning | undefined;
    return localPath(state?.to);
  }

  /** Whether this very window made the request whose answer it has received. */
  private async asked(): Promise<boolean> {
    const state = new URLSearchParams(location.search).get("state");
    return state !== null && (await this.requests.get(state)) !== null;
  }

  /**
   * Signs in again in a window beside the page, which loses nothing; where the browser refuses the window, by leaving
   * the page and coming back to its address.
   */
  async signInAgain(): Promise<void> {
    let user: User;
    try {
      user = await this.manager.signinPopup();
    } catch (error) {
      if (error instanceof Error && /window|popup/i.test(error.message) && !/closed/i.test(error.message)) {
        await this.signIn(location.pathname + location.search);
        return;
      }
      throw error;
    }
    this.hold(user);
  }

  /** The API refused the token: it is over, whatever the clock says. */
  end(): void {
    if (this.user === null || this.ended) return;
    this.ended = true;
    this.tell();
  }

  /** Ends the sign-in at the issuer too, as far as it offers that, and forgets the tokens. */
  async signOut(): Promise<void> {
    try {
      await this.manager.revokeTokens(["refresh_token"]);
    } catch {
      // The issuer may be away or offer no revocation; forgetting is what this page can do.
    }
    await this.manager.removeUser();
    location.assign("/");
  }

  /** How often somebody has signed in again: what was refused before can be asked anew. */
  revivals = (): number => this.again;

  private hold(user: User): void {
    this.user = user;
    if (this.ended) this.again += 1;
    this.ended = false;
    this.tell();
  }

  private tell(): void {
    for (const listener of this.listeners) listener();
  }
}

/** The path when it is one of these pages, else the front door. */
export function localPath(path: string | undefined): string {
  return path !== undefined && /^\/(?![/\\])/.test(path) && !path.startsWith(SIGNED_IN_PATH) ? path : "/";
}
