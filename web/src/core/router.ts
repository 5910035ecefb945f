// SPDX-License-Identifier: Apache-2.0
// Where the page is: the part of the address behind "#", so that the server serves one page only.
import { useEffect, useState } from "preact/hooks";

export interface Place {
	path: string;
	query: URLSearchParams;
}

function place_now(): Place {
	const [path = "", query = ""] = location.hash.replace(/^#/, "").split("?");
	return { path: path === "" ? "/" : path, query: new URLSearchParams(query) };
}

/** The address of a place, for links. */
export function link_to(path: string, query: Record<string, string> = {}): string {
	const text = new URLSearchParams(query).toString();
	return `#${path}${text ? `?${text}` : ""}`;
}

/** Goes to a place; `replace` leaves no trace in the history. */
export function go(path: string, query: Record<string, string> = {}, replace = false) {
	if (!replace) {
		location.hash = link_to(path, query);
		return;
	}
	history.replaceState(null, "", link_to(path, query));
	dispatchEvent(new HashChangeEvent("hashchange"));
}

export function usePlace(): Place {
	const [place, place_set] = useState(place_now);
	useEffect(() => {
		const changed = () => place_set(place_now());
		addEventListener("hashchange", changed);
		return () => removeEventListener("hashchange", changed);
	}, []);
	return place;
}
