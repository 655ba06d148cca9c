#include "pg2une/engine/assets.h"
#include "pg2une/pg/sql.h"

const char *
pgt_asset(const char *path)
{
	return pgt_sql_file(path);
}

const char *
pgt_asset_at(size_t i, const char **ret_path)
{
	return pgt_sql_file_at(i, ret_path);
}
