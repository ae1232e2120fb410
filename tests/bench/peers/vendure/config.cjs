// As @vendure/create writes it, without the packages of a page, images or mail, and with the cache in Redis that its
// guide asks for in production.
const core = require("@vendure/core");

exports.config = {
  logger: new core.DefaultLogger({ level: core.LogLevel.Warn }),
  apiOptions: {
    hostname: "127.0.0.1",
    port: Number(process.env.PORT),
    adminApiPath: "admin-api",
    shopApiPath: "shop-api",
    trustProxy: 1,
    cors: { origin: [], credentials: true },
  },
  authOptions: {
    tokenMethod: ["bearer", "cookie"],
    superadminCredentials: { identifier: process.env.STAFF_EMAIL, password: process.env.STAFF_PASSWORD },
    cookieOptions: { secret: "peer-cookie-secret-not-a-secret" },
  },
  dbConnectionOptions: {
    type: "postgres",
    host: "127.0.0.1",
    port: Number(process.env.POSTGRES_PORT),
    username: "postgres",
    password: "",
    database: "vendure",
    synchronize: process.env.SYNCHRONIZE === "1",
    migrations: [],
    logging: false,
  },
  paymentOptions: { paymentMethodHandlers: [core.dummyPaymentHandler] },
  customFields: {},
  plugins: [
    core.RedisCachePlugin.init({
      redisOptions: { host: "127.0.0.1", port: Number(process.env.REDIS_PORT), db: 2 },
    }),
    core.DefaultSchedulerPlugin.init(),
    core.DefaultJobQueuePlugin.init({ useDatabaseForBuffer: true }),
    core.DefaultSearchPlugin.init({ bufferUpdates: false, indexStockStatus: true }),
  ],
};
