export { addressKey } from "./address.js";
export {
  addressTokenCall,
  admitAddress,
  allGranted,
  checkAddressToken,
  refuseLimited,
  statesOf,
  takeTokens,
} from "./bucket.js";
export { Leases } from "./lease.js";
export { answersOf, askText, leaseTokens } from "./lease-statement.js";
export { BURST, type Bucket, type BucketState, type FixedBucket, mostLimited, tenantBucket } from "./policy.js";
