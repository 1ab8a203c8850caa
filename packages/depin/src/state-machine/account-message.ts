import { DecodeError } from "@cairn/kit";
import { CborReader, CborWriter } from "./cbor.ts";
import { MAX_KEY_ID_SIZE, SIGNATURE_SIZE, type SigningKey, signingKeyFromId } from "./device-key.ts";
import { type DeviceProfile, readProfile, writeProfile } from "./profile.ts";

/** Puts a device under the account that signs. */
export interface RegisterDevice {
	readonly kind: "register-device";
	readonly device: SigningKey;
	readonly alias: string;
	readonly profile: DeviceProfile;
	/** The device's signature over `possessionBytes`: nobody registers a device that he does not have. */
	readonly possession: Uint8Array;
}

/** Pauses a device, or wakes it: also out of jail, when its time is over. */
export interface SetDeviceStatus {
	readonly kind: "set-status";
	readonly device: SigningKey;
	readonly active: boolean;
}

/** Gives a device another profile. */
export interface SetDeviceProfile {
	readonly kind: "set-profile";
	readonly device: SigningKey;
	readonly profile: DeviceProfile;
}

export type AccountMessage = RegisterDevice | SetDeviceStatus | SetDeviceProfile;

/** First item of the payload. */
const KINDS = { "register-device": 1, "set-status": 2, "set-profile": 3 } as const;

/** The payload of an account's transaction: an array that begins with the number of its kind. */
export function encodeAccountMessage(message: AccountMessage): Uint8Array {
	const writer = new CborWriter();
	writer.array(message.kind === "register-device" ? 5 : 3);
	writer.uint(KINDS[message.kind]).bytes(message.device.id);
	switch (message.kind) {
		case "register-device":
			writer.text(message.alias);
			writeProfile(writer, message.profile);
			writer.bytes(message.possession);
			break;
		case "set-status":
			writer.uint(message.active ? 1 : 0);
			break;
		case "set-profile":
			writeProfile(writer, message.profile);
			break;
	}
	return writer.finish();
}

/** @throws DecodeError */
export function decodeAccountMessage(payload: Uint8Array): AccountMessage {
	const reader = new CborReader(payload);
	const parts = reader.array(5);
	const kind = reader.uint();
	if (parts !== (kind === KINDS["register-device"] ? 5 : 3))
		throw new DecodeError(`${parts} parts in a message of kind ${kind}`);
	const device = signingKeyFromId(reader.bytes(MAX_KEY_ID_SIZE));
	const message = readBody(reader, kind, device);
	reader.end();
	return message;
}

function readBody(reader: CborReader, kind: number, device: SigningKey): AccountMessage {
	switch (kind) {
		case KINDS["register-device"]: {
			const alias = reader.text(63);
			const profile = readProfile(reader);
			return { kind: "register-device", device, alias, profile, possession: reader.bytes(SIGNATURE_SIZE) };
		}
		case KINDS["set-status"]: {
			const active = reader.uint();
			if (active > 1) throw new DecodeError("a status is 0 (paused) or 1 (active)");
			return { kind: "set-status", device, active: active === 1 };
		}
		case KINDS["set-profile"]:
			return { kind: "set-profile", device, profile: readProfile(reader) };
		default:
			throw new DecodeError(`unknown kind of message ${kind}`);
	}
}

/** What a device signs to be registered: `["cairn-depin-registration", chain id, key of the owning account]`. */
export function possessionBytes(chainId: string, ownerKeyId: Uint8Array): Uint8Array {
	return new CborWriter().array(3).text("cairn-depin-registration").text(chainId).bytes(ownerKeyId).finish();
}
