/** Names that no app may have: the `reserved` list of contract/names.json, held equal by a test. */
export const RESERVED = new Set([
  "admin", "api", "app", "apps", "assets", "auth", "billing", "blog", "cdn", "console", "dashboard", "dev", "docs",
  "email", "ftp", "help", "imap", "internal", "localhost", "login", "mail", "mx", "ns", "ns1", "ns2", "oauth", "pop",
  "preview", "production", "root", "smtp", "staging", "static", "status", "support", "test", "webhook", "webhooks",
  "webmail", "ws", "www",
]);
