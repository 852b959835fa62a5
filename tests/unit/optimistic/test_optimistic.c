/* Runs every test of the dispute game. */
#include "test_optimistic.h"

int main(void)
{
    return position_tests() + move_tests() + clock_tests() + ending_tests() + honest_tests();
}
