import { CairnError, messageOf } from "@cairn/kit";

/** The `errno` name of a failed system call (`ENOSPC`), or "" where the cause carries none. */
export function systemCode(cause: unknown): string {
	const code = (cause as { code?: unknown } | null | undefined)?.code;
	return typeof code === "string" ? code : "";
}

interface Advice {
	readonly code: string;
	readonly what: string;
	readonly remedy: string;
}

const DISK_ADVICE: Readonly<Record<string, Advice>> = {
	ENOSPC: { code: "disk-full", what: "the disk is full", remedy: "free space on this file system, then start again" },
	EDQUOT: {
		code: "disk-full",
		what: "the disk quota is used up",
		remedy: "raise the quota or free space, then start again",
	},
	EROFS: {
		code: "disk-read-only",
		what: "the file system is read-only",
		remedy: "mount it writable (after a disk error check the disk first)",
	},
	EACCES: {
		code: "disk-permission",
		what: "permission is denied",
		remedy: "give the user that runs the node access to this path",
	},
	EPERM: {
		code: "disk-permission",
		what: "the operation is not permitted",
		remedy: "give the user that runs the node access to this path",
	},
	EMFILE: {
		code: "too-many-files",
		what: "this process has too many open files",
		remedy: "raise its limit (ulimit -n, LimitNOFILE=)",
	},
	ENFILE: { code: "too-many-files", what: "the machine has too many open files", remedy: "raise fs.file-max" },
	ENOENT: {
		code: "disk-missing",
		what: "there is no such file or directory",
		remedy: "check the path and the home folder",
	},
	ENOTDIR: {
		code: "disk-path",
		what: "a part of the path is not a directory",
		remedy: "check the path and the home folder",
	},
	EISDIR: { code: "disk-path", what: "a directory is where a file should be", remedy: "move it away" },
	EEXIST: { code: "disk-path", what: "something else is in the way", remedy: "move it away" },
	EIO: {
		code: "disk-failed",
		what: "the disk reported an input/output error",
		remedy: "check the disk (dmesg, smartctl) before starting again",
	},
	EFBIG: {
		code: "disk-full",
		what: "the file would become too large",
		remedy: "raise the file size limit (ulimit -f)",
	},
	EXDEV: {
		code: "disk-path",
		what: "the two paths are on different file systems",
		remedy: "keep the home folder on one file system",
	},
};

/**
 * The typed error for a failed file operation: names the file and says what to do.
 * @param doing what was attempted, as in "writing"
 */
export function diskError(cause: unknown, doing: string, path: string): CairnError {
	if (cause instanceof CairnError) return cause;
	const errno = systemCode(cause);
	const advice = DISK_ADVICE[errno];
	const what = advice?.what ?? messageOf(cause);
	const remedy = advice?.remedy ?? "check the disk and the file system";
	const message = `${doing} ${path} failed: ${what}; ${remedy}`;
	return new CairnError(advice?.code ?? "disk-failed", "operator", message, { path, errno }, cause);
}
