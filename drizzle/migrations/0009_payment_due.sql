DROP INDEX "payment_waiting";--> statement-breakpoint
CREATE INDEX "payment_due" ON "payment" USING btree ("expires_at") WHERE expires_at is not null;