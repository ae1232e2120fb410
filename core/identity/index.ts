export { LoginEmail } from "../kernel/email.js";
export { Member, MemberName, MemberRecord } from "./member.js";
export { memberMeter } from "./meter.js";
export { mirrorMembers } from "./mirror.js";
export { hashPassword, Password } from "./password.js";
export { refuseGuessable } from "./password-strength.js";
export { Session } from "./session.js";
