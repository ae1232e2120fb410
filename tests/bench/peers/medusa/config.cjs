// As Medusa's guide asks of a production server: events, workflows and locks in Redis.
const { defineConfig } = require("@medusajs/framework/utils");

const redisUrl = process.env.REDIS_URL;
const secrets = { jwtSecret: "peer-jwt-secret-not-a-secret", cookieSecret: "peer-cookie-secret-not-a-secret" };
const origins = { storeCors: "http://localhost", adminCors: "http://localhost", authCors: "http://localhost" };
const lock = {
  resolve: "@medusajs/medusa/locking-redis",
  id: "locking-redis",
  is_default: true,
  options: { redisUrl },
};

module.exports = defineConfig({
  projectConfig: {
    databaseUrl: process.env.DATABASE_URL,
    databaseDriverOptions: { ssl: false, connection: { ssl: false } },
    redisUrl,
    workerMode: "shared",
    http: { ...origins, ...secrets },
  },
  admin: { disable: true },
  modules: [
    { resolve: "@medusajs/medusa/event-bus-redis", options: { redisUrl } },
    { resolve: "@medusajs/medusa/workflow-engine-redis", options: { redis: { redisUrl } } },
    { resolve: "@medusajs/medusa/locking", options: { providers: [lock] } },
  ],
});
