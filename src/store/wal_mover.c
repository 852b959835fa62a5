/* Moving pages beside the writer: see wal_mover.h. A failure to write ends the process, as everywhere on the
 * writer's side (database.h). */
#include "store/wal_mover.h"

#include <pthread.h>

#include "base/memory.h"
#include "store/connection.h"

enum turn { TURN_NONE, TURN_ASKED, TURN_ENDED, TURN_STOP };

struct wal_mover {
    struct database *database;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t asked;
    enum turn turn;
};

static void move(struct wal_mover *mover)
{
    sqlite3 *handle = database_handle(mover->database);
    int code = sqlite3_wal_checkpoint_v2(handle, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);

    if (code != SQLITE_OK && code != SQLITE_BUSY)
        database_failed(mover->database, code, "moving the WAL");
}

static void *mover_main(void *context)
{
    struct wal_mover *mover = context;

    pthread_mutex_lock(&mover->lock);
    while (mover->turn != TURN_STOP) {
        if (mover->turn != TURN_ASKED) {
            pthread_cond_wait(&mover->asked, &mover->lock);
            continue;
        }
        pthread_mutex_unlock(&mover->lock);
        move(mover);
        pthread_mutex_lock(&mover->lock);
        if (mover->turn == TURN_ASKED)
            mover->turn = TURN_ENDED;
    }
    pthread_mutex_unlock(&mover->lock);
    return NULL;
}

enum status wal_mover_start(const struct database_options *options, struct wal_mover **mover,
                            struct error *error)
{
    struct wal_mover *started = memory_new(sizeof(*started));
    enum status status = database_open(options, &started->database, error);

    if (status != OK) {
        memory_free_pointer(&started);
        return status;
    }
    pthread_mutex_init(&started->lock, NULL);
    pthread_cond_init(&started->asked, NULL);
    INVARIANT(pthread_create(&started->thread, NULL, mover_main, started) == 0,
              "the WAL mover did not start");
    pthread_setname_np(started->thread, "wal");
    *mover = started;
    return OK;
}

void wal_mover_stop(struct wal_mover *mover)
{
    if (mover == NULL)
        return;
    pthread_mutex_lock(&mover->lock);
    mover->turn = TURN_STOP;
    pthread_cond_signal(&mover->asked);
    pthread_mutex_unlock(&mover->lock);
    pthread_join(mover->thread, NULL);
    pthread_mutex_destroy(&mover->lock);
    pthread_cond_destroy(&mover->asked);
    database_close(mover->database);
    memory_free_pointer(&mover);
}

bool wal_mover_turn(struct wal_mover *mover)
{
    bool ended;

    pthread_mutex_lock(&mover->lock);
    ended = mover->turn == TURN_ENDED;
    if (ended) {
        mover->turn = TURN_NONE;
    } else if (mover->turn == TURN_NONE) {
        mover->turn = TURN_ASKED;
        pthread_cond_signal(&mover->asked);
    }
    pthread_mutex_unlock(&mover->lock);
    return ended;
}
