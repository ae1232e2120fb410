import { sql } from "drizzle-orm";
import { check, foreignKey, index, integer, text, unique, uuid } from "drizzle-orm/pg-core";
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
    /** No session that began before is active: set when the member is removed, and when taken back. */
    sessionsValidAfter: instant("sessions_valid_after"),
    /** In test mode: the version of the live tenant's member that this row is a copy of; null for a member of its own. */
    mirroredVersion: integer("mirrored_version"),
    version: version(),
  },
  (self) => [
    unique("member_email").on(self.tenantId, self.email),
    index("member_role_id").on(self.tenantId, self.status, self.role, self.id),
    check("member_role", sql`role in ('OWNER', 'ADMIN', 'MEMBER')`),
    check("member_status", sql`status in ('active', 'removed')`),
  ],
);

/**
 * The reasons for which a session ends: its own logout, a refresh token used twice, the removal of its member, a request
 * to end it, a new password, and more sessions than one member has.
 */
export const sessionEnds = ["logout", "reuse", "removal", "ended", "password", "limit"] as const;

/** One login: a family of refresh tokens, revoked as a whole. */
export const sessionTable = tenantTable(
  "session",
  {
    id: SessionId.column("id").notNull(),
    memberId: MemberId.column("member_id").notNull(),
    /** The end, unless it is used before; never later than `endsAt`. */
    expiresAt: instant("expires_at").notNull(),
    /** The end, however often it is used. */
    endsAt: instant("ends_at").notNull().default(sql`now() + interval '90 days'`),
    revokedAt: instant("revoked_at"),
    /** The reason of its end. */
    revokedFor: text("revoked_for", { enum: sessionEnds }),
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
    check("session_revoked_for", sql`revoked_for in ('logout', 'reuse', 'removal', 'ended', 'password', 'limit')`),
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
    /** The member who created the key, or whose key did; null for a key that is older than this column. */
    createdBy: MemberId.column("created_by"),
    /** The key that created this one. */
    parentId: ApiKeyId.column("parent_id"),
    /** The key that created this one, the key that created that one, and so on: it dies with each of them. */
    ancestors: uuid("ancestors").array().notNull().default(sql`'{}'`),
    expiresAt: instant("expires_at"),
    revokedAt: instant("revoked_at"),
    lastUsedAt: instant("last_used_at"),
    version: version(),
  },
  (self) => [
    unique("api_key_hash").on(self.tenantId, self.hash),
    index("api_key_kind_id").on(self.tenantId, self.kind, self.id),
    index("api_key_created_by").on(self.tenantId, self.createdBy, self.id),
    index("api_key_parent_id").on(self.tenantId, self.parentId, self.id),
    foreignKey({
      name: "api_key_member",
      columns: [self.tenantId, self.createdBy],
      foreignColumns: [memberTable.tenantId, memberTable.id],
    }),
    check("api_key_kind", sql`kind in ('publishable', 'secret')`),
  ],
);
