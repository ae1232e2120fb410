ALTER TABLE "session" DROP CONSTRAINT "session_revoked_for";--> statement-breakpoint
ALTER TABLE "api_key" ADD COLUMN "created_by" uuid;--> statement-breakpoint
ALTER TABLE "api_key" ADD COLUMN "parent_id" uuid;--> statement-breakpoint
ALTER TABLE "api_key" ADD COLUMN "ancestors" uuid[] DEFAULT '{}' NOT NULL;--> statement-breakpoint
ALTER TABLE "member" ADD COLUMN "sessions_valid_after" timestamptz;--> statement-breakpoint
ALTER TABLE "member" ADD COLUMN "mirrored_version" integer;--> statement-breakpoint
ALTER TABLE "session" ADD COLUMN "ends_at" timestamptz DEFAULT now() + interval '90 days' NOT NULL;--> statement-breakpoint
ALTER TABLE "api_key" ADD CONSTRAINT "api_key_member" FOREIGN KEY ("tenant_id","created_by") REFERENCES "public"."member"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "api_key_created_by" ON "api_key" USING btree ("tenant_id","created_by","id");--> statement-breakpoint
CREATE INDEX "api_key_parent_id" ON "api_key" USING btree ("tenant_id","parent_id","id");--> statement-breakpoint
ALTER TABLE "session" ADD CONSTRAINT "session_revoked_for" CHECK (revoked_for in ('logout', 'reuse', 'removal', 'ended', 'password', 'limit'));--> statement-breakpoint
-- Keys that could refund before the right had a name of its own still can.
UPDATE "api_key" SET "scopes" = array_append("scopes", 'refunds:write') WHERE 'orders:write' = ANY ("scopes") AND NOT 'refunds:write' = ANY ("scopes");
