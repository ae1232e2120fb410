import { conflict, type FieldError, invalid } from "../kernel/error.js";
import { type Choice, type Option, type OptionPatch, optionErrors, sortChoice } from "./option.js";

/** A variant as far as options are concerned. */
interface Chosen {
  id: string;
  sku: string;
  name: string;
  options: Choice;
}

/** The values that a request gives to a variant: some of its options, or all. */
export interface Assignment {
  id: string;
  options: Choice;
}

interface OptionChange {
  before: readonly Option[];
  after: readonly OptionPatch[];
  variants: readonly Chosen[];
  assignments: readonly Assignment[];
}

const unfit = (errors: FieldError[]) =>
  invalid("invalid_request", "The request does not match its schema; see `errors`.", { errors });
const listSkus = (variants: readonly { sku: string }[]) =>
  variants
    .map(({ sku }) => sku)
    .join(", ")
    .slice(0, 400);

/** The default name of a variant, made from its options. */
export const defaultName = (options: Choice, productName: string): string =>
  (Object.values(options).join(" / ") || productName).slice(0, 200);

/**
 * The option that each new one has been: the one that it names, the one of the same name, or else the one at the same
 * place, if the values that variants have of it are kept. Undefined for an option that is added.
 */
function formerOptions({ before, after, variants }: OptionChange): (Option | undefined)[] {
  const named = after.map(({ name, formerName = name }) => before.find((option) => option.name === formerName));
  const left = before.map((option) => (named.includes(option) ? undefined : option));
  const usedOf = (option: Option) => new Set(variants.map(({ options }) => options[option.name] ?? ""));
  return after.map(({ values, renamedValues = {} }, index) => {
    if (named[index]) return named[index];
    const candidate = left[index];
    const isKept = (value: string) => values.includes(renamedValues[value] ?? value);
    return candidate && variants.length > 0 && [...usedOf(candidate)].every(isKept) ? candidate : undefined;
  });
}

/** References of a request to options, values and variants that are not there. */
function referenceErrors({ before, after, variants, assignments }: OptionChange): FieldError[] {
  const known = new Set(before.map(({ name }) => name));
  const formers = after.map(({ name, formerName = name }) => formerName);
  const ofOptions = after.flatMap(({ formerName, defaultValue, values }, index) => [
    ...(formerName !== undefined && !known.has(formerName)
      ? [{ pointer: `/options/${index}/formerName`, detail: "is not an option of the product" }]
      : []),
    ...(formerName !== undefined && formers.indexOf(formerName) !== formers.lastIndexOf(formerName)
      ? [{ pointer: `/options/${index}/formerName`, detail: "is the name of two options" }]
      : []),
    ...(defaultValue !== undefined && !values.includes(defaultValue)
      ? [{ pointer: `/options/${index}/defaultValue`, detail: "is not a value of this option" }]
      : []),
  ]);
  const ids = assignments.map(({ id }) => id);
  const ofVariants = ids.flatMap((id, index) => [
    ...(variants.some((variant) => variant.id === id)
      ? []
      : [{ pointer: `/variants/${index}/id`, detail: "is not a variant of the product" }]),
    ...(ids.indexOf(id) < index ? [{ pointer: `/variants/${index}/id`, detail: "appears twice" }] : []),
  ]);
  return [...ofOptions, ...ofVariants];
}

/** The value of a variant for an option, when the request does not say it; undefined when it cannot be known. */
function keptValue(option: OptionPatch, former: Option | undefined, { options }: Chosen, isPlain: boolean) {
  if (!former) return option.defaultValue ?? (isPlain ? option.values[0] : undefined);
  const value = options[former.name] ?? "";
  return option.renamedValues?.[value] ?? value;
}

/** Variants that have the same values as another one. */
function colliding(variants: readonly Chosen[], after: readonly Option[]): Chosen[] {
  const keyOf = ({ options }: Chosen) => JSON.stringify(after.map(({ name }) => options[name]));
  const keys = variants.map(keyOf);
  return variants.filter((_, index) => keys.indexOf(keys[index] ?? "") !== keys.lastIndexOf(keys[index] ?? ""));
}

/**
 * The values of all variants after a change of the options: each variant has one value of each option, and no two have
 * the same.
 * @throws Failure invalid for a reference that leads nowhere, conflict when variants would not fit or would be equal
 */
export function changeOptions(change: OptionChange): Choice[] {
  const { after, variants, assignments, before } = change;
  const errors = referenceErrors(change);
  if (errors.length > 0) throw unfit(errors);
  const formers = formerOptions(change);
  const given = new Map(assignments.map(({ id, options }) => [id, options]));
  const missing = new Set<number>();
  const chosen = variants.map((variant) => {
    const assigned = given.get(variant.id) ?? {};
    const values = after.map((option, index) => {
      const value = Object.hasOwn(assigned, option.name)
        ? assigned[option.name]
        : keptValue(option, formers[index], variant, before.length === 0);
      if (value === undefined) missing.add(index);
      return [option.name, value ?? ""] as const;
    });
    return { ...variant, options: { ...assigned, ...Object.fromEntries(values) } };
  });
  if (missing.size > 0)
    throw unfit(
      [...missing].map((index) => ({
        pointer: `/options/${index}/defaultValue`,
        detail: "is required: existing variants need a value of an option that is added",
      })),
    );
  refuseUnfit(chosen, after, assignments);
  return chosen.map(({ options }) => sortChoice(after, options));
}

function refuseUnfit(
  chosen: readonly Chosen[],
  after: readonly OptionPatch[],
  assignments: readonly Assignment[],
): void {
  const wrong = assignments.flatMap(({ id }, index) => {
    const variant = chosen.find((one) => one.id === id);
    return variant ? optionErrors(after, variant.options, `/variants/${index}/options`) : [];
  });
  if (wrong.length > 0)
    throw invalid("variant.options_invalid", "The options do not match the product's; see `errors`.", {
      errors: wrong,
    });
  const misfits = chosen.filter(({ options }) => optionErrors(after, options, "").length > 0);
  if (misfits.length > 0)
    throw conflict(
      "product.options_in_use",
      "Existing variants have values that the new options lack. Send their new values in `variants` or `renamedValues`.",
      { errors: [{ pointer: "/options", detail: `lack values of ${listSkus(misfits)}` }] },
    );
  const equal = colliding(chosen, after);
  if (equal.length > 0)
    throw conflict(
      "product.variants_equal",
      "Several variants would have the same options. Send other values in `variants`, or delete some of them first.",
      { errors: [{ pointer: "/options", detail: `make variants equal: ${listSkus(equal)}` }] },
    );
}
