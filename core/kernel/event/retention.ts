import { and, inArray, isNotNull, lt, sql } from "drizzle-orm";
import { uuidToTypeId } from "../../../drizzle/typeid.js";
import { db } from "../db.js";
import { SLICE } from "../due.js";
import { jobTable } from "../job/job.sql.js";
import { eventTable, inboxTable, RETENTION_DAYS } from "./event.sql.js";

/** Ids are UUIDv7, so that age is an order of the primary key. In a select, so that it is evaluated once. */
const oldestKeptUuid = sql`(select uuidv7(make_interval(days => ${-RETENTION_DAYS})))`;
const oldestKeptId = () => {
  const hex = (Date.now() - RETENTION_DAYS * 86_400_000).toString(16).padStart(12, "0");
  return uuidToTypeId("evt", `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`);
};

/**
 * Deletes a slice of the tenant's events, inbox rows and finished jobs that are older than RETENTION_DAYS. An event that
 * was never published and a job that is not finished stay.
 * @returns the number of rows of that table from which it deleted most
 */
export const deleteOldEvents = () =>
  db(async (tx) => {
    const old = tx
      .select({ id: eventTable.id })
      .from(eventTable)
      .where(and(lt(eventTable.id, oldestKeptUuid), isNotNull(eventTable.publishedAt)))
      .limit(SLICE)
      .for("update", { skipLocked: true });
    const events = await tx.delete(eventTable).where(inArray(eventTable.id, old)).returning({ id: eventTable.id });
    const done = tx
      .select({ id: inboxTable.id })
      .from(inboxTable)
      .where(lt(inboxTable.id, oldestKeptId()))
      .limit(SLICE)
      .for("update", { skipLocked: true });
    const inbox = await tx.delete(inboxTable).where(inArray(inboxTable.id, done)).returning({ id: inboxTable.id });
    const finishedJobs = tx
      .select({ id: jobTable.id })
      .from(jobTable)
      .where(and(lt(jobTable.id, oldestKeptUuid), isNotNull(jobTable.finishedAt)))
      .limit(SLICE)
      .for("update", { skipLocked: true });
    const jobs = await tx.delete(jobTable).where(inArray(jobTable.id, finishedJobs)).returning({ id: jobTable.id });
    return Math.max(events.length, inbox.length, jobs.length);
  });
