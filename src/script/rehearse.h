#ifndef CDCL_REHEARSE_H
#define CDCL_REHEARSE_H

/*
 * The script's functions, tried before anything is read: the script is loaded a second time in a
 * throw-away vm (its prints are dropped, --allow is not given to it), and each function runs over
 * made-up rows. A name that does not exist (row.quantiy) is then an error at load, and LuaJIT tells
 * which lines it does not compile. Other errors mean nothing here: the rows are not the user's.
 */

#include "script/bind.h"

int rehearse_names(struct script *s, struct error *err);

#endif
