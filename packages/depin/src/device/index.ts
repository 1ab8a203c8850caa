/** The device's side alone: nothing of Node.js in it, for browsers, Deno and small boards. */
export { decodeBech32, encodeBech32 } from "../bech32.ts";
export type { AccountMessage } from "../state-machine/account-message.ts";
export {
	accountAddress,
	didOf,
	isAccountAddress,
	type SchemeName,
	type SigningKey,
	signingKey,
	signingKeyFromDid,
} from "../state-machine/device-key.ts";
export { formatFixed, parseFixed, VALUE_DIGITS } from "../state-machine/fixed-point.ts";
export type { DeviceProfile, MetricProfile } from "../state-machine/profile.ts";
export type { Measurement } from "../state-machine/senml.ts";
export { addressOfSigner, signAccountMessage, signPossession, signRegistration } from "./account.ts";
export { DeviceIdentity, type DeviceMemory, NEW_DEVICE, RESUME_JUMP } from "./identity.ts";
export { type Signer, softwareSigner } from "./key.ts";
