/*
 * Linked into every program of `make sanitize`: they hand no environment on, and
 * a leak check does not go together with strace.
 */
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

const char *__asan_default_options(void)
{
	return "detect_leaks=0:abort_on_error=0:exitcode=99";
}

const char *__ubsan_default_options(void)
{
	return "print_stacktrace=1";
}
