/* SPDX-License-Identifier: Apache-2.0 */
#include "admin/route.h"

static bool is_parameter(struct str piece)
{
	return piece.len > 2 && piece.ptr[0] == '{';
}

static bool path_matches(struct str pattern, struct str path, struct route_match *match)
{
	match->piece_count = 0;
	while (pattern.ptr != NULL && path.ptr != NULL) {
		struct str wanted = str_cut(&pattern, '/'), piece = str_cut(&path, '/');
		if (!is_parameter(wanted) && !str_equals(wanted, piece))
			return false;
		if (!is_parameter(wanted))
			continue;
		if (str_is_empty(piece))
			return false;
		CHECK(match->piece_count < sizeof(match->pieces) / sizeof(match->pieces[0]));
		match->pieces[match->piece_count++] = piece;
	}
	return pattern.ptr == NULL && path.ptr == NULL;
}

void route_find(struct str method, struct str path, struct route_match *match_out)
{
	*match_out = (struct route_match){0};
	if (!str_has_prefix(path, STR(ROUTE_PREFIX "/")))
		return;
	path = str_from(path, sizeof(ROUTE_PREFIX) - 1);
	for (size_t i = 0; i < admin_route_count; i++) {
		const struct route *route = &admin_routes[i];
		if (!path_matches(str_from_c(route->path), path, match_out))
			continue;
		if (str_equals(str_from_c(route->method), method)) {
			match_out->route = route;
			return;
		}
		match_out->is_other_method = true;
	}
}
