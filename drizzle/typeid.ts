import { fromString, toUUID, typeidUnboxed, fromUUID as wrapUUID } from "typeid-js";

/** A new TypeID (https://github.com/jetify-com/typeid): `prd_01h455vb4pex5vsknk084sn02q`, a UUIDv7 inside. */
export const newTypeId = (prefix: string): string => typeidUnboxed(prefix);

/** The UUID inside a TypeID. @throws when the text is no TypeID of this prefix */
export function typeIdToUuid(prefix: string, text: string): string {
  return toUUID(fromString(text, prefix));
}

export const uuidToTypeId = (prefix: string, uuid: string): string => String(wrapUUID(uuid, prefix));
