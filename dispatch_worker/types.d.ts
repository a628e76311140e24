// What the modules of the dispatch Worker tell each other. Not uploaded: `tsc` and editors read it.

type AppEnvironment = "preview" | "staging" | "production";

interface ScriptName {
  appId: string;
  environment: AppEnvironment;
  /** Whether it is a pull request's own preview. */
  pullRequest: boolean;
}

interface AppRoute extends ScriptName {
  kind: "app";
  script: string;
  /** What was asked, with the port unless it is the default. */
  host: string;
  /** The part of the path that belongs to the platform and not to the app: "" or "/app/{script}". */
  prefix: string;
}

/** "unknown": a name is there, but no script can have it. "unreadable": it is no URL. */
type NoRoute = { kind: "unknown"; name: string } | { kind: "unreadable" };

/** A host of the platform, and no app's name. */
type OwnRoute = { kind: "own"; path: string };

/** Another host. */
type CustomerRoute = { kind: "customer"; hostname: string; host: string };

type Route = AppRoute | NoRoute | OwnRoute | CustomerRoute;

interface App {
  /** Whether its stack has said that it is there. */
  declared: boolean;
  plan?: string;
  /** Hosts that it declares as its own services. */
  services: string[];
  /** Why it is not served, and until when (ISO 8601), if that is known. */
  state?: { state: string; until?: string };
  /** When it is to be read again, in ms since 1970. */
  until: number;
}

interface Answer {
  /** What became of the request: "served", "redirected" or a key of the pages. */
  outcome: string;
  response: Response;
}

/** What `infra/dispatcher.py` declares. */
interface Settings {
  /** The domain whose first-level subdomains are scripts. */
  domain: string;
  /** The host of the path URLs, on workers.dev. */
  pathHost: string;
  /** Whether the path URL of a production app leads on to its subdomain. */
  redirectPaths: boolean;
  /** How long an isolate keeps what it has read of an app. */
  cacheSeconds: number;
  /** The limits of one request, by plan. */
  plans: Record<string, { cpuMs: number; subRequests: number }>;
  defaultPlan: string;
  /** What becomes of an app's cookies for a parent domain. */
  parentCookies: "keep" | "drop";
  /** App environments that are not open to everybody. */
  protectedEnvironments: string[];
  /** Where a browser without access is sent. */
  loginUrl: string | null;
}

interface Env {
  /** What is known of the apps, see store.js. */
  APPS: KVNamespace;
  /** There if anything is protected. */
  ACCESS_KEY?: string;
  /** Absent where the platform has no such app environment. */
  NAMESPACE_PREVIEW?: DispatchNamespace;
  NAMESPACE_PRODUCTION: DispatchNamespace;
  NAMESPACE_STAGING?: DispatchNamespace;
  SETTINGS: Settings;
  USAGE: AnalyticsEngineDataset;
}
