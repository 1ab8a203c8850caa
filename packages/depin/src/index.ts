export { APP_VERSION, DepinApplication, type DepinOptions, openDepin, openDepinApplication } from "./application.ts";
export * from "./device/index.ts";
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
export { CODES, CODESPACE, type Reason, reasonOf, type Verdict, verdictOf } from "./state-machine/codes.ts";
