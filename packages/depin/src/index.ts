export { APP_VERSION, DepinApplication, type DepinOptions, openDepin, openDepinApplication } from "./application.ts";
export { decodeBech32, encodeBech32 } from "./bech32.ts";
export { addressOfSigner, signAccountMessage, signPossession, signRegistration } from "./device/account.ts";
export { DeviceIdentity, type DeviceMemory, NEW_DEVICE, RESUME_JUMP } from "./device/identity.ts";
export { type Signer, softwareSigner } from "./device/key.ts";
export type { SeriesPoint } from "./fleet/climate.ts";
export {
	createFleet,
	type Fault,
	type Fleet,
	type FleetDevice,
	type FleetOptions,
	type FleetReading,
} from "./fleet/fleet.ts";
export { depinProofRuntime, verifyStateProof } from "./proof.ts";
export type { AccountMessage } from "./state-machine/account-message.ts";
export { CODES, CODESPACE, type Reason, reasonOf, type Verdict, verdictOf } from "./state-machine/codes.ts";
export {
	accountAddress,
	didOf,
	isAccountAddress,
	type SchemeName,
	type SigningKey,
	signingKey,
	signingKeyFromDid,
} from "./state-machine/device-key.ts";
export { formatFixed, parseFixed, VALUE_DIGITS } from "./state-machine/fixed-point.ts";
export type { DeviceProfile, MetricProfile } from "./state-machine/profile.ts";
export type { Measurement } from "./state-machine/senml.ts";
