import { type AccountMessage, encodeAccountMessage, possessionBytes } from "../state-machine/account-message.ts";
import { CONTENT_CBOR, encodeHeader, encodeSign1, signedBytesOf } from "../state-machine/cose.ts";
import { accountAddress } from "../state-machine/device-key.ts";
import type { DeviceProfile } from "../state-machine/profile.ts";
import type { Signer } from "./key.ts";

/** The address of a signer's account. */
export function addressOfSigner(signer: Signer): string {
	return accountAddress(signer.key.id);
}

/** Signs what an account asks for; `nonce` is that of `/account/<address>`, 0 for a new account. */
export function signAccountMessage(
	signer: Signer,
	chainId: string,
	nonce: number,
	message: AccountMessage,
): Uint8Array {
	const { key } = signer;
	const header = encodeHeader({ key, contentType: CONTENT_CBOR, chainId, sequence: nonce, previous: undefined });
	const payload = encodeAccountMessage(message);
	return encodeSign1(header, payload, signer.sign(signedBytesOf(header, payload)));
}

/** What a device signs to let an account register it. */
export function signPossession(device: Signer, chainId: string, owner: Signer): Uint8Array {
	return device.sign(possessionBytes(chainId, owner.key.id));
}

/** The transaction that registers a device whose key is at hand. */
export function signRegistration(
	owner: Signer,
	device: Signer,
	chainId: string,
	nonce: number,
	{ alias, profile }: { readonly alias: string; readonly profile: DeviceProfile },
): Uint8Array {
	const possession = signPossession(device, chainId, owner);
	const message: AccountMessage = { kind: "register-device", device: device.key, alias, profile, possession };
	return signAccountMessage(owner, chainId, nonce, message);
}
