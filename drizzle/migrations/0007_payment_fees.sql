ALTER TABLE "payment" ADD COLUMN "fee_taken" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "payment" ADD COLUMN "fee_returned" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "payment" ADD CONSTRAINT "payment_fees" CHECK (fee_taken >= 0 and fee_returned between 0 and fee_taken);