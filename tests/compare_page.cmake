# Fails unless PAGE is what PROGRAM says of the zoo.
execute_process(COMMAND ${PROGRAM} zoo --markdown OUTPUT_VARIABLE made RESULT_VARIABLE result)
file(READ ${PAGE} checked_in)
if(NOT result EQUAL 0 OR NOT made STREQUAL checked_in)
  message(FATAL_ERROR "docs/zoo.md is not what the networks in zoo/ say: run scripts/zoo_page.sh")
endif()
