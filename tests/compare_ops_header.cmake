# Fails unless HEADER is what PROGRAM prints.
execute_process(COMMAND ${PROGRAM} OUTPUT_VARIABLE made RESULT_VARIABLE result)
file(READ ${HEADER} checked_in)
if(NOT result EQUAL 0 OR NOT made STREQUAL checked_in)
  message(FATAL_ERROR "include/fovea_ops.h is not what the operators say: run scripts/update_ops_header.sh")
endif()
