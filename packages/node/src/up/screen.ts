import type { Paint, Style } from "./view.ts";

const ESC = "\u001b[";
const ENTER = `${ESC}?1049h${ESC}?25l${ESC}H${ESC}2J`;
const LEAVE = `${ESC}?25h${ESC}?1049l`;
/** Terminals that know it show what comes between the two at once; others pass over them. */
const BEGIN_FRAME = `${ESC}?2026h`;
const END_FRAME = `${ESC}?2026l`;

const COLORS: Readonly<Record<Style, string>> = {
	plain: "",
	title: `${ESC}1;36m`,
	dim: `${ESC}2m`,
	good: `${ESC}32m`,
	bad: `${ESC}1;31m`,
	strong: `${ESC}1m`,
};

/** Colours for terminals. */
export const withColors: Paint = (style, text) => (COLORS[style] === "" ? text : `${COLORS[style]}${text}${ESC}0m`);

/** Size of a terminal in letters. */
export interface ScreenSize {
	readonly columns: number;
	readonly rows: number;
}

/** The parts of a terminal that a screen needs. */
export interface Terminal {
	write(text: string): void;
	size(): ScreenSize;
}

/** Draws whole pictures on a terminal's second screen; only lines that changed are written: nothing flickers. */
export class Screen {
	readonly #terminal: Terminal;
	#shown: readonly string[] = [];
	#size: ScreenSize = { columns: 0, rows: 0 };
	#open = false;

	constructor(terminal: Terminal) {
		this.#terminal = terminal;
	}

	open(): void {
		this.#open = true;
		this.#terminal.write(ENTER);
	}

	/** Gives the terminal back as it was. May be called repeatedly. */
	close(): void {
		if (!this.#open) return;
		this.#open = false;
		this.#terminal.write(LEAVE);
	}

	/** Draws what `render` makes for the present size; what does not fit below is cut. */
	draw(render: (width: number) => readonly string[]): void {
		if (!this.#open) return;
		const size = this.#terminal.size();
		const resized = size.columns !== this.#size.columns || size.rows !== this.#size.rows;
		const lines = render(size.columns).slice(0, size.rows);
		let frame = resized ? `${ESC}2J` : "";
		for (let row = 0; row < Math.max(lines.length, this.#shown.length); row++) {
			const line = lines[row] ?? "";
			if (!resized && line === this.#shown[row]) continue;
			if (row < size.rows) frame += `${ESC}${row + 1};1H${line}${ESC}K`;
		}
		this.#size = size;
		this.#shown = lines;
		if (frame !== "") this.#terminal.write(BEGIN_FRAME + frame + END_FRAME);
	}
}
