ALTER TABLE "payment_account" DROP CONSTRAINT "payment_account_provider";--> statement-breakpoint
ALTER TABLE "payment_account" ALTER COLUMN "account" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "payment_account" ADD COLUMN "connected_at" timestamptz DEFAULT now() NOT NULL;--> statement-breakpoint
CREATE UNIQUE INDEX "payment_account_provider" ON "payment_account" USING btree ("tenant_id","provider") WHERE status <> 'deauthorized';