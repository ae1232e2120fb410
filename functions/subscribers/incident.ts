import { Incident } from "../../core/incident/index.js";
import { on } from "../../core/kernel/event/index.js";
import { count, log } from "../log.js";

/** An alarm watches the metric, and the line says where to look. */
export const incidentSubscribers = [
  on(Incident.IncidentOpened, "incident.alarm", async ({ data }) => {
    count("IncidentsOpened");
    log.error("incident opened", data);
  }),
];
