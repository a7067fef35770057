/*
** The C half of functions with a variable number of arguments.
**
** Each packs its arguments and calls a Rust function, which takes them one by one through kernite_argument_*. The exported names
** are Rust symbols that jump here, because only Rust symbols leave the shared library.
*/
#include <stdarg.h>

#define INSIDE __attribute__((visibility("hidden")))

typedef struct arguments {
  va_list list;
} arguments;

/* What Rust takes out of a list. */
INSIDE int kernite_argument_int(arguments *a) { return va_arg(a->list, int); }
INSIDE long kernite_argument_long(arguments *a) { return va_arg(a->list, long); }
INSIDE long long kernite_argument_int64(arguments *a) { return va_arg(a->list, long long); }
INSIDE double kernite_argument_double(arguments *a) { return va_arg(a->list, double); }
INSIDE void *kernite_argument_pointer(arguments *a) { return va_arg(a->list, void *); }

/* The Rust half. */
extern INSIDE char *kernite_format_new(const char *format, arguments *a);
extern INSIDE char *kernite_format_into(int size, char *out, const char *format, arguments *a);
extern INSIDE void kernite_format_append(void *str, const char *format, arguments *a);
extern INSIDE void kernite_log(int code, const char *format, arguments *a);
extern INSIDE int kernite_config(int option, arguments *a);
extern INSIDE int kernite_db_config(void *db, int option, arguments *a);
extern INSIDE int kernite_test_control(int operation, arguments *a);
extern INSIDE int kernite_vtab_config(void *db, int option, arguments *a);

INSIDE char *kernite_c_mprintf(const char *format, ...) {
  arguments a;
  char *result;
  va_start(a.list, format);
  result = kernite_format_new(format, &a);
  va_end(a.list);
  return result;
}

INSIDE char *kernite_c_vmprintf(const char *format, va_list list) {
  arguments a;
  char *result;
  va_copy(a.list, list);
  result = kernite_format_new(format, &a);
  va_end(a.list);
  return result;
}

INSIDE char *kernite_c_snprintf(int size, char *out, const char *format, ...) {
  arguments a;
  char *result;
  va_start(a.list, format);
  result = kernite_format_into(size, out, format, &a);
  va_end(a.list);
  return result;
}

INSIDE char *kernite_c_vsnprintf(int size, char *out, const char *format, va_list list) {
  arguments a;
  char *result;
  va_copy(a.list, list);
  result = kernite_format_into(size, out, format, &a);
  va_end(a.list);
  return result;
}

INSIDE void kernite_c_str_appendf(void *str, const char *format, ...) {
  arguments a;
  va_start(a.list, format);
  kernite_format_append(str, format, &a);
  va_end(a.list);
}

INSIDE void kernite_c_str_vappendf(void *str, const char *format, va_list list) {
  arguments a;
  va_copy(a.list, list);
  kernite_format_append(str, format, &a);
  va_end(a.list);
}

INSIDE void kernite_c_log(int code, const char *format, ...) {
  arguments a;
  va_start(a.list, format);
  kernite_log(code, format, &a);
  va_end(a.list);
}

INSIDE int kernite_c_config(int option, ...) {
  arguments a;
  int result;
  va_start(a.list, option);
  result = kernite_config(option, &a);
  va_end(a.list);
  return result;
}

INSIDE int kernite_c_db_config(void *db, int option, ...) {
  arguments a;
  int result;
  va_start(a.list, option);
  result = kernite_db_config(db, option, &a);
  va_end(a.list);
  return result;
}

INSIDE int kernite_c_test_control(int operation, ...) {
  arguments a;
  int result;
  va_start(a.list, operation);
  result = kernite_test_control(operation, &a);
  va_end(a.list);
  return result;
}

INSIDE int kernite_c_vtab_config(void *db, int option, ...) {
  arguments a;
  int result;
  va_start(a.list, option);
  result = kernite_vtab_config(db, option, &a);
  va_end(a.list);
  return result;
}
