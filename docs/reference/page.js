/** Finds operations by what they do, as well as by their paths and names. */
const searchPlugin = () => ({
  fn: {
    opsFilter(tags, phrase) {
      const wanted = phrase.toLowerCase();
      const texts = (entry, tag) => [
        tag,
        entry.get("path"),
        entry.getIn(["operation", "summary"]),
        entry.getIn(["operation", "operationId"]),
      ];
      return tags
        .map((tag, name) =>
          tag.update("operations", (entries) =>
            entries.filter((entry) => texts(entry, name).join(" ").toLowerCase().includes(wanted)),
          ),
        )
        .filter((tag) => tag.get("operations").size > 0);
    },
  },
});

/** The refusals of an operation as one entry: all of them are the same Problem. */
function foldRefusals(operation) {
  const refused = Object.keys(operation.responses).filter((status) => status >= "400");
  for (const status of refused) delete operation.responses[status];
  operation.responses.default = {
    description: `Refused (${refused.join(", ")}): a problem whose \`code\` [Errors](/docs/errors) explains`,
    content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
  };
}

const description = await (await fetch("/openapi.json")).json();
for (const operations of Object.values(description.paths)) Object.values(operations).forEach(foldRefusals);
// The page is reached by several names; its requests go where it comes from.
description.servers = [{ url: location.origin }];

SwaggerUIBundle({
  spec: description,
  dom_id: "#reference",
  deepLinking: true,
  docExpansion: "list",
  filter: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  persistAuthorization: true,
  tryItOutEnabled: true,
  validatorUrl: null,
  plugins: [searchPlugin],
});
