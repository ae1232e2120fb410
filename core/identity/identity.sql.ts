import { sql } from "drizzle-orm";
import { check, foreignKey, index, text, unique } from "drizzle-orm/pg-core";
import { instant, version } from "../../drizzle/column.js";
import { tenantTable } from "../../drizzle/table.js";
import { id } from "../kernel/id.js";
import { roles } from "../kernel/role.js";

export const SessionId = id("ses");
export const RefreshTokenId = id("rft");
export const MemberId = id("mbr");
export const ApiKeyId = id("key");

/** A person on the staff of one tenant; the same address in two tenants is two members. */
export const memberTable = tenantTable(
  "member",
  {
    id: MemberId.column("id").notNull(),
    /** Lower case. */
    email: text("email").notNull(),
    name: text("name").notNull(),
    /** argon2id, PHC string. */
    passwordHash: text("password_hash").notNull(),
    role: text("role", { enum: roles }).notNull(),
    status: text("status", { enum: ["active", "removed"] })
      .notNull()
      .default("active"),
    version: version(),
  },
  (self) => [
    unique("member_email").on(self.tenantId, self.email),
    index("member_role_id").on(self.tenantId, self.status, self.role, self.id),
    check("member_role", sql`role in ('OWNER', 'ADMIN', 'MEMBER')`),
    check("member_status", sql`status in ('active', 'removed')`),
  ],
);

/** One login: a family of refresh tokens, revoked as a whole. */
export const sessionTable = tenantTable(
  "session",
  {
    id: SessionId.column("id").notNull(),
    memberId: MemberId.column("member_id").notNull(),
    expiresAt: instant("expires_at").notNull(),
    revokedAt: instant("revoked_at"),
    /** The reason of its end. */
    revokedFor: text("revoked_for", { enum: ["logout", "reuse", "removal"] }),
    /**
     * Keyed hash of the address that logged in. Logins from it are not limited by guesses from other addresses, so that
     * the owner gets in during an attack.
     */
    addressKey: text("address_key").notNull(),
  },
  (self) => [
    foreignKey({
      name: "session_member",
      columns: [self.tenantId, self.memberId],
      foreignColumns: [memberTable.tenantId, memberTable.id],
    }),
    index("session_member_id").on(self.tenantId, self.memberId, self.addressKey),
    check("session_revoked_for", sql`revoked_for in ('logout', 'reuse', 'removal')`),
  ],
);

/** Days for which a session that ended, and its refresh tokens, are kept. */
export const SESSION_RETENTION_DAYS = 30;

/** Each refresh token is used once (RFC 9700 §4.14.2); only its hash is kept. */
export const refreshTokenTable = tenantTable(
  "refresh_token",
  {
    id: RefreshTokenId.column("id").notNull(),
    sessionId: SessionId.column("session_id").notNull(),
    /** SHA-256, hex. */
    hash: text("hash").notNull(),
    /** The refresh token that was exchanged for this one. */
    parentId: RefreshTokenId.column("parent_id"),
    usedAt: instant("used_at"),
    expiresAt: instant("expires_at").notNull(),
  },
  (self) => [
    foreignKey({
      name: "refresh_token_session",
      columns: [self.tenantId, self.sessionId],
      foreignColumns: [sessionTable.tenantId, sessionTable.id],
    }),
    unique("refresh_token_hash").on(self.tenantId, self.hash),
    index("refresh_token_session_id").on(self.tenantId, self.sessionId),
    index("refresh_token_parent_id").on(self.tenantId, self.parentId),
  ],
  { due: (self) => ({ at: self.expiresAt, after: `${SESSION_RETENTION_DAYS} days` }) },
);

export const keyKinds = ["publishable", "secret"] as const;

/** A credential of a program. The text is shown once; 256 random bits, so a plain SHA-256 is enough. */
export const apiKeyTable = tenantTable(
  "api_key",
  {
    id: ApiKeyId.column("id").notNull(),
    kind: text("kind", { enum: keyKinds }).notNull(),
    name: text("name").notNull(),
    /** SHA-256 of the whole text, hex. */
    hash: text("hash").notNull(),
    /** The first characters and the last four, by which a person recognizes the key. */
    hint: text("hint").notNull(),
    scopes: text("scopes").array().notNull(),
    expiresAt: instant("expires_at"),
    revokedAt: instant("revoked_at"),
    lastUsedAt: instant("last_used_at"),
    version: version(),
  },
  (self) => [
    unique("api_key_hash").on(self.tenantId, self.hash),
    index("api_key_kind_id").on(self.tenantId, self.kind, self.id),
    check("api_key_kind", sql`kind in ('publishable', 'secret')`),
  ],
);
