# The zoo's texts become one C file, so that the binary carries them.
file(GLOB ZOO_FILES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/zoo/*.net)
list(SORT ZOO_FILES)
set(ZOO_SOURCE ${CMAKE_CURRENT_BINARY_DIR}/zoo_texts.c)
add_custom_command(
  OUTPUT ${ZOO_SOURCE}
  COMMAND ${CMAKE_COMMAND} -DOUTPUT=${ZOO_SOURCE} "-DFILES=${ZOO_FILES}" -P ${PROJECT_SOURCE_DIR}/cmake/embed_zoo.cmake
  DEPENDS ${ZOO_FILES} ${PROJECT_SOURCE_DIR}/cmake/embed_zoo.cmake
  VERBATIM)
