/**
 * Set for each stage with `sst secret set <Name> <value>`, by the variable that carries it. The sender is no
 * secret, but it is chosen where the stage is deployed, as they are.
 */
export const secrets = {
  DATABASE_URL: new sst.Secret("DatabaseUrl"),
  RELAY_DATABASE_URL: new sst.Secret("RelayDatabaseUrl"),
  MIGRATE_DATABASE_URL: new sst.Secret("MigrateDatabaseUrl"),
  TOKEN_KEYS: new sst.Secret("TokenKeys"),
  DATA_KEY: new sst.Secret("DataKey"),
  STRIPE_SECRET_KEY: new sst.Secret("StripeSecretKey"),
  STRIPE_PUBLISHABLE_KEY: new sst.Secret("StripePublishableKey"),
  STRIPE_WEBHOOK_SECRETS: new sst.Secret("StripeWebhookSecrets"),
  STRIPE_CONNECT_WEBHOOK_SECRETS: new sst.Secret("StripeConnectWebhookSecrets"),
  MAIL_FROM: new sst.Secret("MailFrom"),
};
