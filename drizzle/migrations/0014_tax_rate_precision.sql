ALTER TABLE "order_line" ADD COLUMN "tax_rate_hundredths" smallint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "order" ADD COLUMN "shipping_tax_rate_hundredths" smallint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "tax_rate" ADD COLUMN "rate_hundredths" smallint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "tenant" ADD COLUMN "tax_rates_version" integer DEFAULT 1 NOT NULL;--> statement-breakpoint
ALTER TABLE "tax_rate" ADD CONSTRAINT "tax_rate_hundredths" CHECK (rate_hundredths between 0 and 99);