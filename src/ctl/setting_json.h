/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings of a table, or of an item of a list, as schema rows and mailserver.cfg have them.
 */
#ifndef POSTERN_CTL_SETTING_JSON_H
#define POSTERN_CTL_SETTING_JSON_H

#include "config/document.h"
#include "config/schema.h"
#include "ctl/ctl.h"

/* {"name","table","meaning","type","unit","default","min","max"}: what a row of the schema is. */
json_t *setting_row_json(const struct schema_row *row);

/* [{...}]: every row of a table or list. */
json_t *setting_rows_json(const char *table);

/*
 * {"Name":"value",...}: what stands in a table or item (NULL: nothing does) of the variables
 * that the schema knows, by their names there.
 */
json_t *setting_values_json(const char *table, const struct element *container);

/*
 * [{"severity","variable","line","text"}]: what there is to say of lines from `first` up to, but
 * not with, `end`.
 */
json_t *setting_findings_json(const struct findings *findings, int first, int end);

#endif
