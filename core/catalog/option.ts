import * as z from "zod";
import type { FieldError } from "../kernel/error.js";
import { name } from "../kernel/text.js";

const Label = name(100);

/** A property by which the variants of a product differ, with its values: `{ name: "Size", values: ["S", "M"] }`. */
export const Option = z
  .strictObject({
    name: Label.describe("As shoppers read it: Size"),
    values: z.array(Label).min(1).max(100).describe("In the order in which shoppers choose: S, M, L"),
  })
  .meta({ id: "ProductOption", examples: [{ name: "Size", values: ["S", "M"] }] });
export type Option = z.infer<typeof Option>;

const indexOfDuplicate = (texts: readonly string[]) => texts.findIndex((text, index) => texts.indexOf(text) < index);

/** At most three options with different names, each with different values. */
const listOf = <Schema extends z.ZodType<Option>>(option: Schema) =>
  z
    .array(option)
    .max(3)
    .superRefine((options, { addIssue }) => {
      const twice = (path: PropertyKey[]) => addIssue({ code: "custom", path, message: "appears twice" });
      const name = indexOfDuplicate(options.map((one) => one.name));
      if (name >= 0) twice([name, "name"]);
      for (const [index, { values }] of options.entries()) {
        const value = indexOfDuplicate(values);
        if (value >= 0) twice([index, "values", value]);
      }
    });
export const Options = listOf(Option);

/** An option as it shall be, and what becomes of the values that variants have now. */
export const OptionPatch = z
  .strictObject({
    ...Option.shape,
    formerName: Label.optional().meta({
      description: "The present name. Default: `name`, or the option at this place whose values are kept",
    }),
    renamedValues: z
      .record(Label, Label)
      .optional()
      .meta({
        description: "New values of the variants by their present ones",
        examples: [{ Blu: "Blue" }],
      }),
    defaultValue: Label.optional().meta({ description: "For an option that is added: the value of existing variants" }),
  })
  .meta({ id: "ProductOptionChange", examples: [{ name: "Size", values: ["S", "M"], defaultValue: "M" }] });
export type OptionPatch = z.infer<typeof OptionPatch>;
export const OptionPatches = listOf(OptionPatch);

/** One value for each option of the product: `{ "Size": "M" }`. */
export const Choice = z
  .record(Label, Label)
  .meta({ description: "One value for each option of the product", examples: [{ Size: "M" }] });
export type Choice = z.infer<typeof Choice>;

/** The reasons why a choice does not name exactly one known value for each option; `path` is its JSON pointer. */
export function optionErrors(options: readonly Option[], choice: Choice, path: string): FieldError[] {
  const at = (name: string) => `${path}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
  const unknown = Object.keys(choice).filter((name) => !options.some((option) => option.name === name));
  return [
    ...unknown.map((name) => ({ pointer: at(name), detail: "is not an option of the product" })),
    ...options.flatMap(({ name, values }) => {
      if (!Object.hasOwn(choice, name)) return [{ pointer: at(name), detail: "is missing" }];
      const value = choice[name] ?? "";
      return values.includes(value) ? [] : [{ pointer: at(name), detail: "is not a value of this option" }];
    }),
  ];
}

/** The choice in the order of the options: equal choices are equal text. */
export const sortChoice = (options: readonly Option[], choice: Choice): Choice =>
  Object.fromEntries(options.map(({ name }) => [name, choice[name] ?? ""]));
