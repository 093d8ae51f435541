# Builds SOURCE with the flags that pkg-config tells, and runs it.
set(ENV{PKG_CONFIG_PATH} ${PKG_CONFIG_PATH})
execute_process(COMMAND pkg-config --cflags --libs maas OUTPUT_VARIABLE flags COMMAND_ERROR_IS_FATAL ANY)
separate_arguments(flags UNIX_COMMAND "${flags}")
execute_process(COMMAND ${COMPILER} -std=c++20 ${SOURCE} ${flags} -o pkg_config_program COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ./pkg_config_program COMMAND_ERROR_IS_FATAL ANY)
