/* The settings: every source, every type, every bound, and the texts made from the table. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "node/command_line.h"
#include "node/config.h"
#include "node/config_print.h"
#include "node/log_levels.h"
#include "node/setting.h"

/* After the house's own headers: cmocka has a macro fail(). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define MIB ((uint64_t)1 << 20)

/* A config at its defaults, to be closed by the test. */
static void fresh(struct config *config)
{
    struct error error;

    assert_int_equal(config_apply_defaults(config, &error), OK);
}

static void accepts(const char *text)
{
    struct config config;
    struct error error = { .code = OK };

    fresh(&config);
    if (config_apply_text(&config, text, strlen(text), "layerd.conf", &error) != OK)
        fail_msg("refused: %s", error.message);
    config_close(&config);
}

/* The text is refused, and the message holds `part`. */
static void refuses(const char *text, const char *part)
{
    struct config config;
    struct error error = { .code = OK };

    fresh(&config);
    assert_int_equal(config_apply_text(&config, text, strlen(text), "layerd.conf", &error),
                     ERROR_INVALID_PARAMS);
    if (strstr(error.message, part) == NULL)
        fail_msg("'%s' is not in: %s", part, error.message);
    config_close(&config);
}

static void line_value(struct config *config, const char *text)
{
    struct error error = { .code = OK };

    fresh(config);
    if (config_apply_text(config, text, strlen(text), "layerd.conf", &error) != OK)
        fail_msg("refused: %s", error.message);
}

/* --- values --------------------------------------------------------------------------------------------- */
static void every_default_is_a_value_that_its_setting_accepts(void **state)
{
    struct config config;
    struct error error;

    (void)state;
    fresh(&config);
    config.worker_pool_size = 2; /* a hundred of them would not fit beside the other defaults */
    assert_int_equal(config_finish(&config, &error), OK);
    assert_true(config.enabled);
    assert_int_equal(config.network, NETWORK_DEV);
    assert_int_equal(config.timeout_us, 10000000);
    assert_int_equal(config.memory_limit, 256 * MIB);
    assert_int_equal(config.batch_size, 1024);
    assert_int_equal(config.queue_size, 100000);
    assert_true(config.max_concurrent > config.queue_size);
    assert_false(config.core_dumps);
    for (size_t i = 0; i < settings_count; i++)
        assert_string_equal(config.origins[i], "default");
    config_close(&config);
}

static void there_are_as_many_workers_as_processors_and_at_least_four_unless_said_otherwise(void **state)
{
    struct config config;
    struct error error;

    (void)state;
    line_value(&config, "memory-limit = 1GiB");
    assert_int_equal(config_finish(&config, &error), OK);
    assert_int_equal(config.worker_pool_size,
                     sysconf(_SC_NPROCESSORS_ONLN) < 4 ? 4 : (uint64_t)sysconf(_SC_NPROCESSORS_ONLN));
    config_close(&config);
    line_value(&config, "worker-pool-size = 3");
    assert_int_equal(config_finish(&config, &error), OK);
    assert_int_equal(config.worker_pool_size, 3);
    config_close(&config);
}

static void bytes_take_their_units(void **state)
{
    struct config config;

    (void)state;
    line_value(&config, "memory-limit = 268435456\n");
    assert_int_equal(config.memory_limit, 256 * MIB);
    config_close(&config);
    line_value(&config, "memory-limit=65536KiB");
    assert_int_equal(config.memory_limit, 64 * MIB);
    config_close(&config);
    line_value(&config, "memory-limit = 2GiB");
    assert_int_equal(config.memory_limit, 2048 * MIB);
    config_close(&config);
    accepts("memory-limit = 32MiB");
    accepts("memory-limit = 1TiB");
}

static void bytes_out_of_range_or_shape_are_refused(void **state)
{
    (void)state;
    refuses("memory-limit = 33554431", "32MiB to 1TiB");
    refuses("memory-limit = 1025GiB", "32MiB to 1TiB");
    refuses("memory-limit = 64 MiB", "memory-limit is '64 MiB'");
    refuses("memory-limit = 64MB", "expected bytes");
    refuses("memory-limit = -64MiB", "expected bytes");
    refuses("memory-limit = MiB", "expected bytes");
    refuses("memory-limit = 99999999999999999999TiB", "expected bytes");
    refuses("memory-limit = 8796093022208TiB", "expected bytes");
    refuses("memory-limit =", "memory-limit is ''");
    refuses("memory-limit = 64MiB2", "expected bytes");
}

static void durations_need_a_unit_and_a_range(void **state)
{
    struct config config;

    (void)state;
    line_value(&config, "timeout = 1500ms");
    assert_int_equal(config.timeout_us, 1500000);
    config_close(&config);
    line_value(&config, "timeout = 2m");
    assert_int_equal(config.timeout_us, 120000000);
    config_close(&config);
    refuses("timeout = 30", "with its unit");
    refuses("timeout = 0s", "1ms to 1h");
    refuses("timeout = 999us", "1ms to 1h");
    refuses("timeout = 61m", "1ms to 1h");
    refuses("timeout = -1s", "with its unit");
    refuses("timeout = 1.5s", "with its unit");
}

static void whole_numbers_are_whole_and_within_their_range(void **state)
{
    struct config config;

    (void)state;
    line_value(&config, "batch-size = 1");
    assert_int_equal(config.batch_size, 1);
    config_close(&config);
    accepts("batch-size = 65536");
    refuses("batch-size = 0", "1 to 65536");
    refuses("batch-size = 65537", "1 to 65536");
    refuses("batch-size = 10x", "whole number");
    refuses("batch-size = +5", "whole number");
    refuses("batch-size = 0x10", "whole number");
    refuses("batch-size = 18446744073709551617", "whole number");
}

static void booleans_and_choices_take_their_words_alone(void **state)
{
    static const char *const yes[] = { "true", "yes", "on", "1" }, *const no[] = { "false", "no", "off",
                                                                                   "0" };
    struct config config;
    char text[64];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(yes); i++) {
        snprintf(text, sizeof text, "enabled = %s\ncore-dumps = %s", no[i], yes[i]);
        line_value(&config, text);
        assert_false(config.enabled);
        assert_true(config.core_dumps);
        config_close(&config);
    }
    refuses("enabled = 2", "true or false");
    refuses("enabled = True", "true or false");
    line_value(&config, "network = main");
    assert_string_equal(config.network_text, "main");
    config_close(&config);
    refuses("network = mainnet", "dev, test or main");
    refuses("network = ", "dev, test or main");
}

static void operator_uids_are_numbers_between_commas(void **state)
{
    struct config config;
    struct error error;

    (void)state;
    line_value(&config, "operator-uids = 0,1000,4294967294");
    assert_int_equal(config_finish(&config, &error), OK);
    assert_int_equal(config.operator_uid_count, 3);
    assert_int_equal(config.operator_uids[2], 4294967294);
    config_close(&config);
    static const char *const bad[] = { "1000,", ",1000",      "1000;1001", "root",
                                       "-1",    "4294967295", "1,,2",      "1 ,2" };
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        char text[64];
        snprintf(text, sizeof text, "operator-uids = %s", bad[i]);
        line_value(&config, text);
        assert_int_equal(config_finish(&config, &error), ERROR_INVALID_PARAMS);
        config_close(&config);
    }
}

/* --- the file ------------------------------------------------------------------------------------------- */
static void comments_and_blanks_are_skipped(void **state)
{
    struct config config;

    (void)state;
    line_value(&config,
               "# a comment\n\n   \t\nbatch-size = 7 # said here\n  queue-size\t=\t9  \r\n#queue-size = 1\n");
    assert_int_equal(config.batch_size, 7);
    assert_int_equal(config.queue_size, 9);
    config_close(&config);
}

static void a_hash_inside_a_word_is_no_comment(void **state)
{
    struct config config;

    (void)state;
    line_value(&config, "log-file = /var/log/a#b");
    assert_string_equal(config.log_file, "/var/log/a#b");
    config_close(&config);
}

static void unknown_settings_are_refused_with_the_nearest_name(void **state)
{
    (void)state;
    refuses("batch-sise = 1", "did you mean 'batch-size'");
    refuses("Queue_Size = 1", "did you mean 'queue-size'");
    refuses("workerpoolsize = 1", "did you mean 'worker-pool-size'");
    refuses("frobnicate = 1", "there is no setting 'frobnicate'");
    refuses("batch-size = 1\nbogus = 2", "layerd.conf:2");
    refuses("= 2", "there is no setting ''");
}

static void a_setting_may_not_be_given_twice_in_a_file(void **state)
{
    (void)state;
    refuses("batch-size = 1\nbatch-size = 1", "layerd.conf:2: batch-size is set a second time");
}

static void lines_that_are_no_assignment_are_refused(void **state)
{
    struct config config;
    struct error error;

    (void)state;
    refuses("batch-size", "expected 'name = value'");
    refuses("[section]", "expected 'name = value'");
    fresh(&config);
    assert_int_equal(config_apply_text(&config, "batch-size = 1\0", 16, "f", &error), ERROR_INVALID_PARAMS);
    assert_int_equal(config_apply_text(&config, "log-level = \xff", 13, "f", &error), ERROR_INVALID_PARAMS);
    config_close(&config);
}

static void a_file_larger_than_its_bound_is_refused(void **state)
{
    char *text = malloc(CONFIG_FILE_MAX + 1);
    struct config config;
    struct error error;

    (void)state;
    memset(text, '\n', CONFIG_FILE_MAX + 1);
    fresh(&config);
    assert_int_equal(config_apply_text(&config, text, CONFIG_FILE_MAX, "f", &error), OK);
    assert_int_equal(config_apply_text(&config, text, CONFIG_FILE_MAX + 1, "f", &error),
                     ERROR_INVALID_PARAMS);
    config_close(&config);
    free(text);
}

static void a_file_named_must_exist_and_be_a_file(void **state)
{
    struct config_sources sources = { .file = "/nonexistent/layerd.conf" };
    struct config config;
    struct error error;

    (void)state;
    assert_int_equal(config_load(&sources, &config, &error), ERROR_NOT_FOUND);
    config_close(&config);
    sources.file = "/";
    assert_int_equal(config_load(&sources, &config, &error), ERROR_STORAGE);
    config_close(&config);
}

/* An environment as the process has it: not const by history, never written to. */
static enum status apply_environment(struct config *config, const char *const *environment,
                                     struct error *error)
{
    return config_apply_environment(config, (char *const *)(uintptr_t)environment, error);
}

/* --- environment and precedence ------------------------------------------------------------------------- */
static void the_environment_sets_what_has_a_variable(void **state)
{
    const char *environment[] = { "PATH=/bin",
                            "LAYER2_MAX_CONCURRENT=5",
                            "LAYER2_TIMEOUT=3s",
                            "LAYER2_MEMORY_LIMIT=300MiB",
                            "LAYER2_BATCH_SIZE=6",
                            "LAYER2_WORKER_POOL_SIZE=7",
                            "LAYER2_QUEUE_SIZE=8",
                            "LAYER2_ENABLED=0",
                            NULL };
    struct config config;
    struct error error;

    (void)state;
    fresh(&config);
    assert_int_equal(apply_environment(&config, environment, &error), OK);
    assert_int_equal(config.max_concurrent, 5);
    assert_int_equal(config.timeout_us, 3000000);
    assert_int_equal(config.memory_limit, 300 * MIB);
    assert_int_equal(config.batch_size, 6);
    assert_int_equal(config.worker_pool_size, 7);
    assert_int_equal(config.queue_size, 8);
    assert_false(config.enabled);
    config_close(&config);
}

static void an_unknown_or_bad_variable_is_refused(void **state)
{
    const char *unknown[] = { "LAYER2_QUEUE_SISE=8", NULL }, *bad[] = { "LAYER2_BATCH_SIZE=many", NULL },
               *empty[] = { "LAYER2_BATCH_SIZE=", NULL };
    struct config config;
    struct error error;

    (void)state;
    fresh(&config);
    assert_int_equal(apply_environment(&config, unknown, &error), ERROR_INVALID_PARAMS);
    assert_non_null(strstr(error.message, "did you mean 'LAYER2_QUEUE_SIZE'"));
    assert_int_equal(apply_environment(&config, bad, &error), ERROR_INVALID_PARAMS);
    assert_non_null(strstr(error.message, "environment LAYER2_BATCH_SIZE"));
    assert_int_equal(apply_environment(&config, empty, &error), OK);
    assert_int_equal(config.batch_size, 1024);
    config_close(&config);
}

static void the_command_line_wins_over_environment_over_file_over_default(void **state)
{
    char path[] = "/tmp/layerd-config-XXXXXX";
    const char *environment[] = { "LAYER2_BATCH_SIZE=2", "LAYER2_QUEUE_SIZE=2000", NULL };
    const struct assignment assignments[] = { { "batch-size", "3" } };
    struct config_sources sources = { .file = path,
                                      .environment = (char *const *)(uintptr_t)environment,
                                      .command_line = assignments,
                                      .command_line_count = 1 };
    static const char text[] = "batch-size = 1\nqueue-size = 1000\nblock-interval = 2s\n";
    struct buffer printed;
    struct config config;
    struct error error;
    int file = mkstemp(path);

    (void)state;
    assert_int_equal(write(file, text, sizeof text - 1), sizeof text - 1);
    close(file);
    assert_int_equal(config_load(&sources, &config, &error), OK);
    assert_int_equal(config.batch_size, 3);
    assert_int_equal(config.queue_size, 2000);
    assert_int_equal(config.block_interval_us, 2000000);
    assert_int_equal(config.timeout_us, 10000000);

    buffer_init(&printed);
    config_print(&config, &printed);
    const char *all = buffer_text(&printed);
    assert_non_null(strstr(all, "batch-size = 3                          # command line\n"));
    assert_non_null(strstr(all, "queue-size = 2000                       # environment LAYER2_QUEUE_SIZE\n"));
    assert_non_null(strstr(all, "block-interval = 2s                     # /tmp/layerd-config-"));
    assert_non_null(strstr(all, ":3\n"));
    assert_non_null(strstr(all, "timeout = 10s                           # default\n"));
    buffer_close(&printed);
    config_close(&config);
    unlink(path);
}

/* What --print-config prints is itself a configuration file with the same values. */
static void what_is_printed_reads_back_the_same(void **state)
{
    struct config config, again;
    struct buffer first, second;
    struct error error;

    (void)state;
    line_value(&config, "memory-limit = 1GiB\ntimeout = 1500ms\nlog-level = info,api:debug\ncore-dumps = on\n"
                        "operator-uids = 1,2\nnetwork = test\nring-size = 65537");
    assert_int_equal(config_finish(&config, &error), OK);
    buffer_init(&first);
    buffer_init(&second);
    config_print(&config, &first);
    fresh(&again);
    assert_int_equal(config_apply_text(&again, buffer_text(&first), first.size, "printed", &error), OK);
    assert_int_equal(config_finish(&again, &error), OK);
    for (size_t i = 0; i < settings_count; i++) {
        buffer_clear(&first);
        buffer_clear(&second);
        setting_format(&settings[i], &config, &first);
        setting_format(&settings[i], &again, &second);
        assert_string_equal(buffer_text(&first), buffer_text(&second));
    }
    buffer_close(&first);
    buffer_close(&second);
    config_close(&config);
    config_close(&again);
}

static void the_example_file_is_a_configuration_that_changes_nothing(void **state)
{
    struct buffer example;

    (void)state;
    buffer_init(&example);
    config_print_example(&example);
    accepts(buffer_text(&example));
    for (size_t i = 0; i < settings_count; i++) {
        char line[64];
        snprintf(line, sizeof line, "\n#%s =", settings[i].name);
        assert_non_null(strstr(buffer_text(&example), line));
    }
    buffer_close(&example);
}

/* --- memory --------------------------------------------------------------------------------------------- */
static void settings_that_cannot_fit_into_memory_limit_are_refused(void **state)
{
    struct config config;
    struct error error;

    (void)state;
    line_value(&config, "memory-limit = 64MiB\nqueue-size = 100000");
    assert_int_equal(config_finish(&config, &error), ERROR_INVALID_PARAMS);
    assert_non_null(strstr(error.message, "memory-limit is 64 MiB"));
    config_close(&config);
    line_value(&config, "ring-size = 1GiB");
    assert_int_equal(config_finish(&config, &error), ERROR_INVALID_PARAMS);
    config_close(&config);
}

static void a_small_memory_limit_lowers_what_nobody_chose(void **state)
{
    struct memory_plan plan;
    struct config config;
    struct error error;

    (void)state;
    line_value(&config, "memory-limit = 64MiB\nworker-pool-size = 2\nring-size = 2MiB");
    assert_int_equal(config_finish(&config, &error), OK);
    assert_true(config.queue_size < 100000 && config.queue_size >= 1000);
    assert_int_equal(config.ring_size, 2 * MIB);
    assert_int_equal(config_memory_plan(&config, &plan, &error), OK);
    assert_int_equal(plan.process + plan.ring + plan.queue + plan.connections + plan.replies + plan.cache,
                     64 * MIB);
    const struct setting *queue = setting_find("queue-size", strlen("queue-size"));
    assert_string_equal(config.origins[queue - settings], "default, lowered to fit memory-limit");
    config_close(&config);
}

/* --- command line --------------------------------------------------------------------------------------- */
static enum status parse(struct command_line *line, struct error *error, const char *first,
                         const char *second)
{
    const char *arguments[] = { "layerd", first, second, NULL };
    int count = first == NULL ? 1 : second == NULL ? 2 : 3;

    return command_line_parse(count, (char *const *)(uintptr_t)arguments, line, error);
}

static void settings_are_taken_with_equals_or_as_two_arguments(void **state)
{
    struct command_line line;
    struct error error;

    (void)state;
    assert_int_equal(parse(&line, &error, "--batch-size=5", NULL), OK);
    assert_string_equal(line.assignments[0].value, "5");
    assert_int_equal(parse(&line, &error, "--batch-size", "6"), OK);
    assert_string_equal(line.assignments[0].value, "6");
    assert_int_equal(parse(&line, &error, "--core-dumps", "--background"), OK);
    assert_string_equal(line.assignments[0].value, "true");
    assert_true(line.background);
    assert_int_equal(line.action, ACTION_RUN);
}

static void a_command_line_that_makes_no_sense_is_refused(void **state)
{
    struct command_line line;
    struct error error;

    (void)state;
    assert_int_equal(parse(&line, &error, "--batch-size", NULL), ERROR_INVALID_PARAMS);
    assert_int_equal(parse(&line, &error, "--batch-sise=1", NULL), ERROR_INVALID_PARAMS);
    assert_non_null(strstr(error.message, "did you mean '--batch-size'"));
    assert_int_equal(parse(&line, &error, "--verfy", NULL), ERROR_INVALID_PARAMS);
    assert_non_null(strstr(error.message, "did you mean '--verify'"));
    assert_int_equal(parse(&line, &error, "--help=yes", NULL), ERROR_INVALID_PARAMS);
    assert_int_equal(parse(&line, &error, "start", NULL), ERROR_INVALID_PARAMS);
    assert_int_equal(parse(&line, &error, "--", NULL), ERROR_INVALID_PARAMS);
    assert_int_equal(parse(&line, &error, "--verify", "--help"), ERROR_INVALID_PARAMS);
    assert_int_equal(parse(&line, &error, "--head", "x"), ERROR_INVALID_PARAMS);
    assert_int_equal(parse(&line, &error, "--restore", NULL), ERROR_INVALID_PARAMS);
    assert_int_equal(parse(&line, &error, "--verify", "--background"), ERROR_INVALID_PARAMS);
}

static void help_names_every_setting(void **state)
{
    struct buffer help;

    (void)state;
    buffer_init(&help);
    command_line_help(&help);
    for (size_t i = 0; i < settings_count; i++) {
        char option[64];
        snprintf(option, sizeof option, "  --%s\n", settings[i].name);
        assert_non_null(strstr(buffer_text(&help), option));
    }
    buffer_close(&help);
}

static void levels_are_for_rooms_that_there_are(void **state)
{
    struct error error;

    (void)state;
    assert_int_equal(log_levels_apply("info,api:debug,store:trace", &error), OK);
    assert_int_equal(log_levels_apply("info,apii:debug", &error), ERROR_INVALID_PARAMS);
    assert_non_null(strstr(error.message, "did you mean 'api'"));
    assert_int_equal(log_levels_apply("info,api:debug,moon:debug", &error), ERROR_INVALID_PARAMS);
    assert_non_null(strstr(error.message, "'moon'; there are base"));
    assert_int_equal(log_levels_apply("", &error), ERROR_INVALID_PARAMS);
    assert_int_equal(log_levels_apply("api:loud", &error), ERROR_INVALID_PARAMS);
    assert_int_equal(log_levels_apply("info", &error), OK);
}

static void the_lines_for_the_completion_name_every_setting(void **state)
{
    struct buffer lines;

    (void)state;
    buffer_init(&lines);
    command_line_options(&lines);
    for (size_t i = 0; i < settings_count; i++) {
        char line[64];
        snprintf(line, sizeof line, "\n%s\t", settings[i].name);
        assert_non_null(strstr(buffer_text(&lines), line));
    }
    assert_non_null(strstr(buffer_text(&lines), "\nbackground\t\n"));
    assert_non_null(strstr(buffer_text(&lines), "\nnetwork\tdev|test|main\n"));
    buffer_close(&lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_default_is_a_value_that_its_setting_accepts),
        cmocka_unit_test(there_are_as_many_workers_as_processors_and_at_least_four_unless_said_otherwise),
        cmocka_unit_test(bytes_take_their_units),
        cmocka_unit_test(bytes_out_of_range_or_shape_are_refused),
        cmocka_unit_test(durations_need_a_unit_and_a_range),
        cmocka_unit_test(whole_numbers_are_whole_and_within_their_range),
        cmocka_unit_test(booleans_and_choices_take_their_words_alone),
        cmocka_unit_test(operator_uids_are_numbers_between_commas),
        cmocka_unit_test(comments_and_blanks_are_skipped),
        cmocka_unit_test(a_hash_inside_a_word_is_no_comment),
        cmocka_unit_test(unknown_settings_are_refused_with_the_nearest_name),
        cmocka_unit_test(a_setting_may_not_be_given_twice_in_a_file),
        cmocka_unit_test(lines_that_are_no_assignment_are_refused),
        cmocka_unit_test(a_file_larger_than_its_bound_is_refused),
        cmocka_unit_test(a_file_named_must_exist_and_be_a_file),
        cmocka_unit_test(the_environment_sets_what_has_a_variable),
        cmocka_unit_test(an_unknown_or_bad_variable_is_refused),
        cmocka_unit_test(the_command_line_wins_over_environment_over_file_over_default),
        cmocka_unit_test(what_is_printed_reads_back_the_same),
        cmocka_unit_test(the_example_file_is_a_configuration_that_changes_nothing),
        cmocka_unit_test(settings_that_cannot_fit_into_memory_limit_are_refused),
        cmocka_unit_test(a_small_memory_limit_lowers_what_nobody_chose),
        cmocka_unit_test(settings_are_taken_with_equals_or_as_two_arguments),
        cmocka_unit_test(a_command_line_that_makes_no_sense_is_refused),
        cmocka_unit_test(help_names_every_setting),
        cmocka_unit_test(levels_are_for_rooms_that_there_are),
        cmocka_unit_test(the_lines_for_the_completion_name_every_setting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
