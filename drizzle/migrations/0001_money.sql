CREATE TABLE "subscription" (
	"tenant_id" uuid DEFAULT nullif(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
	"created_at" timestamptz DEFAULT now() NOT NULL,
	"updated_at" timestamptz DEFAULT now() NOT NULL,
	"customer" text,
	"subscription" text,
	"livemode" boolean,
	"plan" text NOT NULL,
	"interval" text,
	"status" text,
	"trial_ends_at" timestamptz,
	"current_period_end" timestamptz,
	"cancel_at" timestamptz,
	"past_due_since" timestamptz,
	"dunning_step" integer DEFAULT 0 NOT NULL,
	"next_step_at" timestamptz,
	"version" integer DEFAULT 1 NOT NULL,
	CONSTRAINT "subscription_pk" PRIMARY KEY("tenant_id"),
	CONSTRAINT "subscription_interval" CHECK (interval in ('month', 'year'))
);
--> statement-breakpoint
ALTER TABLE "subscription" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "usage" (
	"tenant_id" uuid DEFAULT nullif(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
	"created_at" timestamptz DEFAULT now() NOT NULL,
	"updated_at" timestamptz DEFAULT now() NOT NULL,
	"metric" text NOT NULL,
	"period" text DEFAULT '' NOT NULL,
	"value" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "usage_pk" PRIMARY KEY("tenant_id","metric","period"),
	CONSTRAINT "usage_value" CHECK (value >= 0)
);
--> statement-breakpoint
ALTER TABLE "usage" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "dispute" (
	"tenant_id" uuid DEFAULT nullif(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
	"created_at" timestamptz DEFAULT now() NOT NULL,
	"updated_at" timestamptz DEFAULT now() NOT NULL,
	"id" uuid NOT NULL,
	"payment_id" uuid NOT NULL,
	"order_id" uuid NOT NULL,
	"reference" text NOT NULL,
	"status" text NOT NULL,
	"reason" text NOT NULL,
	"amount" bigint NOT NULL,
	"currency" char(3) NOT NULL,
	"evidence_due_at" timestamptz,
	"opened_at" timestamptz NOT NULL,
	"closed_at" timestamptz,
	"version" integer DEFAULT 1 NOT NULL,
	CONSTRAINT "dispute_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "dispute_reference" UNIQUE("tenant_id","reference"),
	CONSTRAINT "dispute_amount" CHECK (amount >= 0)
);
--> statement-breakpoint
ALTER TABLE "dispute" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "incident" (
	"tenant_id" uuid DEFAULT nullif(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
	"created_at" timestamptz DEFAULT now() NOT NULL,
	"updated_at" timestamptz DEFAULT now() NOT NULL,
	"id" uuid NOT NULL,
	"kind" text NOT NULL,
	"reference" text NOT NULL,
	"status" text DEFAULT 'open' NOT NULL,
	"data" jsonb NOT NULL,
	"resolved_at" timestamptz,
	"resolution" text,
	CONSTRAINT "incident_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "incident_reference" UNIQUE("tenant_id","kind","reference"),
	CONSTRAINT "incident_status_known" CHECK (status in ('open', 'resolved'))
);
--> statement-breakpoint
ALTER TABLE "incident" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "ledger_entry" (
	"tenant_id" uuid DEFAULT nullif(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
	"created_at" timestamptz DEFAULT now() NOT NULL,
	"updated_at" timestamptz DEFAULT now() NOT NULL,
	"id" uuid NOT NULL,
	"transaction_id" uuid NOT NULL,
	"account" text NOT NULL,
	"amount" bigint NOT NULL,
	"currency" char(3) NOT NULL,
	CONSTRAINT "ledger_entry_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "ledger_entry_amount" CHECK (amount <> 0)
);
--> statement-breakpoint
ALTER TABLE "ledger_entry" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "ledger_transaction" (
	"tenant_id" uuid DEFAULT nullif(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
	"created_at" timestamptz DEFAULT now() NOT NULL,
	"updated_at" timestamptz DEFAULT now() NOT NULL,
	"id" uuid NOT NULL,
	"kind" text NOT NULL,
	"reference" text NOT NULL,
	"occurred_at" timestamptz DEFAULT now() NOT NULL,
	CONSTRAINT "ledger_transaction_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "ledger_transaction_reference" UNIQUE("tenant_id","kind","reference")
);
--> statement-breakpoint
ALTER TABLE "ledger_transaction" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "payment_account" (
	"tenant_id" uuid DEFAULT nullif(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
	"created_at" timestamptz DEFAULT now() NOT NULL,
	"updated_at" timestamptz DEFAULT now() NOT NULL,
	"id" uuid NOT NULL,
	"provider" text NOT NULL,
	"account" text NOT NULL,
	"livemode" boolean NOT NULL,
	"status" text DEFAULT 'onboarding' NOT NULL,
	"charges_enabled" boolean DEFAULT false NOT NULL,
	"payouts_enabled" boolean DEFAULT false NOT NULL,
	"details_submitted" boolean DEFAULT false NOT NULL,
	"capabilities" jsonb DEFAULT '{}'::jsonb NOT NULL,
	"requirements" jsonb DEFAULT '[]'::jsonb NOT NULL,
	"capture" text DEFAULT 'automatic' NOT NULL,
	"reconciled_at" timestamptz DEFAULT now() NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	CONSTRAINT "payment_account_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "payment_account_provider" UNIQUE("tenant_id","provider"),
	CONSTRAINT "payment_account_status" CHECK (status in ('onboarding', 'active', 'restricted', 'deauthorized')),
	CONSTRAINT "payment_account_capture" CHECK (capture in ('automatic', 'manual'))
);
--> statement-breakpoint
ALTER TABLE "payment_account" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
CREATE TABLE "payment_operation" (
	"tenant_id" uuid DEFAULT nullif(current_setting('app.tenant_id', true), '')::uuid NOT NULL,
	"created_at" timestamptz DEFAULT now() NOT NULL,
	"updated_at" timestamptz DEFAULT now() NOT NULL,
	"id" uuid NOT NULL,
	"payment_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"amount" bigint NOT NULL,
	"status" text DEFAULT 'pending' NOT NULL,
	"reason" text,
	"reference" text,
	"error" text,
	"request_key" text,
	"actor" jsonb NOT NULL,
	"finished_at" timestamptz,
	CONSTRAINT "payment_operation_pk" PRIMARY KEY("tenant_id","id"),
	CONSTRAINT "payment_operation_request" UNIQUE("tenant_id","request_key"),
	CONSTRAINT "payment_operation_amount" CHECK (amount >= 0),
	CONSTRAINT "payment_operation_kind" CHECK (kind in ('capture', 'refund', 'void')),
	CONSTRAINT "payment_operation_status" CHECK (status in ('pending', 'succeeded', 'failed'))
);
--> statement-breakpoint
ALTER TABLE "payment_operation" ENABLE ROW LEVEL SECURITY;--> statement-breakpoint
ALTER TABLE "order" DROP CONSTRAINT "order_status_known";--> statement-breakpoint
ALTER TABLE "payment" DROP CONSTRAINT "payment_amount";--> statement-breakpoint
ALTER TABLE "payment" DROP CONSTRAINT "payment_sums";--> statement-breakpoint
ALTER TABLE "order" ADD COLUMN "tendered" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "order" ADD COLUMN "attention" text;--> statement-breakpoint
ALTER TABLE "order" ADD COLUMN "cancel_reason" text;--> statement-breakpoint
ALTER TABLE "payment_event" ADD COLUMN "reference" text;--> statement-breakpoint
ALTER TABLE "payment" ADD COLUMN "method" text;--> statement-breakpoint
ALTER TABLE "payment" ADD COLUMN "account" text;--> statement-breakpoint
ALTER TABLE "payment" ADD COLUMN "livemode" boolean;--> statement-breakpoint
ALTER TABLE "payment" ADD COLUMN "reference" text;--> statement-breakpoint
ALTER TABLE "payment" ADD COLUMN "session" text;--> statement-breakpoint
ALTER TABLE "payment" ADD COLUMN "fee" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "payment" ADD COLUMN "authorized" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "payment" ADD COLUMN "capturing" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "payment" ADD COLUMN "refunding" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "payment" ADD COLUMN "accepted" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "payment" ADD COLUMN "opened_at" timestamptz;--> statement-breakpoint
ALTER TABLE "payment" ADD COLUMN "expires_at" timestamptz;--> statement-breakpoint
ALTER TABLE "payment" ADD COLUMN "closed_at" timestamptz;--> statement-breakpoint
ALTER TABLE "tenant" ADD COLUMN "access" text DEFAULT 'full' NOT NULL;--> statement-breakpoint
ALTER TABLE "tenant" ADD COLUMN "request_rate" integer DEFAULT 2000 NOT NULL;--> statement-breakpoint
-- What was promised by hand before is accepted as it was: `manual` is the merchant's own word.
UPDATE "payment" SET "authorized" = "amount", "accepted" = true;--> statement-breakpoint
UPDATE "order" SET "tendered" = "total";--> statement-breakpoint
ALTER TABLE "dispute" ADD CONSTRAINT "dispute_payment" FOREIGN KEY ("tenant_id","payment_id") REFERENCES "public"."payment"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "ledger_entry" ADD CONSTRAINT "ledger_entry_transaction" FOREIGN KEY ("tenant_id","transaction_id") REFERENCES "public"."ledger_transaction"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "payment_operation" ADD CONSTRAINT "payment_operation_payment" FOREIGN KEY ("tenant_id","payment_id") REFERENCES "public"."payment"("tenant_id","id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "subscription_customer" ON "subscription" USING btree ("customer","livemode");--> statement-breakpoint
CREATE INDEX "subscription_due" ON "subscription" USING btree ("next_step_at") WHERE next_step_at is not null;--> statement-breakpoint
CREATE INDEX "dispute_payment_id" ON "dispute" USING btree ("tenant_id","payment_id");--> statement-breakpoint
CREATE INDEX "dispute_due" ON "dispute" USING btree ("tenant_id","evidence_due_at") WHERE closed_at is null;--> statement-breakpoint
CREATE INDEX "incident_status" ON "incident" USING btree ("tenant_id","status","id");--> statement-breakpoint
CREATE INDEX "ledger_entry_transaction_id" ON "ledger_entry" USING btree ("tenant_id","transaction_id");--> statement-breakpoint
CREATE INDEX "ledger_entry_account" ON "ledger_entry" USING btree ("tenant_id","account","currency","id");--> statement-breakpoint
CREATE UNIQUE INDEX "payment_account_account" ON "payment_account" USING btree ("account","livemode");--> statement-breakpoint
CREATE INDEX "payment_operation_payment_id" ON "payment_operation" USING btree ("tenant_id","payment_id","id");--> statement-breakpoint
CREATE UNIQUE INDEX "payment_event_reference" ON "payment_event" USING btree ("tenant_id","payment_id","type","reference");--> statement-breakpoint
CREATE UNIQUE INDEX "payment_reference" ON "payment" USING btree ("tenant_id","provider","reference");--> statement-breakpoint
CREATE INDEX "payment_session" ON "payment" USING btree ("tenant_id","session");--> statement-breakpoint
CREATE INDEX "payment_waiting" ON "payment" USING btree ("expires_at") WHERE closed_at is null and expires_at is not null;--> statement-breakpoint
ALTER TABLE "order" ADD CONSTRAINT "order_tendered" CHECK (tendered between 0 and total);--> statement-breakpoint
ALTER TABLE "order" ADD CONSTRAINT "order_status_known" CHECK (status in ('pending', 'open', 'completed', 'cancelled'));--> statement-breakpoint
ALTER TABLE "payment" ADD CONSTRAINT "payment_authorized" CHECK (authorized between 0 and amount);--> statement-breakpoint
ALTER TABLE "payment" ADD CONSTRAINT "payment_refunds" CHECK (refunded >= 0 and refunding >= 0 and refunded + refunding <= captured);--> statement-breakpoint
ALTER TABLE "payment" ADD CONSTRAINT "payment_amount" CHECK (amount >= 0 and fee between 0 and amount);--> statement-breakpoint
ALTER TABLE "payment" ADD CONSTRAINT "payment_sums" CHECK (captured >= 0 and capturing >= 0 and captured + capturing <= authorized);--> statement-breakpoint
ALTER TABLE "tenant" ADD CONSTRAINT "tenant_access" CHECK (access in ('full', 'read_only', 'blocked'));--> statement-breakpoint
ALTER TABLE "tenant" ADD CONSTRAINT "tenant_request_rate" CHECK (request_rate > 0);--> statement-breakpoint
CREATE POLICY "subscription_tenant" ON "subscription" AS PERMISSIVE FOR ALL TO public USING (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) WITH CHECK (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));--> statement-breakpoint
CREATE POLICY "usage_tenant" ON "usage" AS PERMISSIVE FOR ALL TO public USING (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) WITH CHECK (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));--> statement-breakpoint
CREATE POLICY "dispute_tenant" ON "dispute" AS PERMISSIVE FOR ALL TO public USING (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) WITH CHECK (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));--> statement-breakpoint
CREATE POLICY "incident_tenant" ON "incident" AS PERMISSIVE FOR ALL TO public USING (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) WITH CHECK (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));--> statement-breakpoint
CREATE POLICY "ledger_entry_tenant" ON "ledger_entry" AS PERMISSIVE FOR ALL TO public USING (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) WITH CHECK (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));--> statement-breakpoint
CREATE POLICY "ledger_transaction_tenant" ON "ledger_transaction" AS PERMISSIVE FOR ALL TO public USING (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) WITH CHECK (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));--> statement-breakpoint
CREATE POLICY "payment_account_tenant" ON "payment_account" AS PERMISSIVE FOR ALL TO public USING (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) WITH CHECK (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));--> statement-breakpoint
CREATE POLICY "payment_operation_tenant" ON "payment_operation" AS PERMISSIVE FOR ALL TO public USING (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)) WITH CHECK (tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid));