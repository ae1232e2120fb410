export { accountKey, addressKey, strangerKey } from "./address.js";
export {
  admitAddress,
  allGranted,
  refuseLimited,
  statesOf,
  takeTokens,
} from "./bucket.js";
export { passDoor } from "./door.js";
export { Leases } from "./lease.js";
export { answersOf, askText, leaseTokens } from "./lease-statement.js";
export {
  BURST,
  type Bucket,
  type BucketState,
  type Class,
  type Door,
  type FixedBucket,
  mostLimited,
  tenantBucket,
  toldToShopper,
} from "./policy.js";
