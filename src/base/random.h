#ifndef CDCL_RANDOM_H
#define CDCL_RANDOM_H

/* Names that nothing else has. */

enum { random_name_bytes = 33 };

/* 32 hexadecimal digits and a NUL. */
void random_name(char out[random_name_bytes]);

#endif
