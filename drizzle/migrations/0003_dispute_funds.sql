ALTER TABLE "ledger_transaction" DROP CONSTRAINT "ledger_transaction_reference";--> statement-breakpoint
ALTER TABLE "dispute" ADD COLUMN "withheld" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "dispute" ADD COLUMN "reminded_of" timestamptz;--> statement-breakpoint
CREATE INDEX "ledger_transaction_kind" ON "ledger_transaction" USING btree ("tenant_id","kind","id");--> statement-breakpoint
ALTER TABLE "ledger_transaction" ADD CONSTRAINT "ledger_transaction_fact" UNIQUE("tenant_id","reference","kind");