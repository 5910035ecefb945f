// SPDX-License-Identifier: Apache-2.0
// A text as QR code: dark on light in every theme, for cameras want it so. Presentation attributes alone, no style.
import { encode } from "uqr";

/** The light border that the standard asks for, in modules. */
const border = 4;

export function QrCode({ text, label }: { text: string; label: string }) {
	const code = encode(text, { ecc: "M", border });
	const dark = code.data.flatMap((row, y) => row.flatMap((is_dark, x) => (is_dark ? [`M${x} ${y}h1v1h-1z`] : []))).join("");
	return (
		<svg class="qr" role="img" aria-label={label} viewBox={`0 0 ${code.size} ${code.size}`} shape-rendering="crispEdges">
			<rect width={code.size} height={code.size} fill="#fff" />
			<path d={dark} fill="#000" />
		</svg>
	);
}
