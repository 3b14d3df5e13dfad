// Everything an embedding program may use, apart from <livy/testing/...>.
#pragma once

#include <livy/access_manager.h>
#include <livy/authenticator.h>
#include <livy/batch.h>
#include <livy/batch_handle.h>
#include <livy/client.h>
#include <livy/clock.h>
#include <livy/connection.h>
#include <livy/error.h>
#include <livy/http.h>
#include <livy/job_handle.h>
#include <livy/launcher.h>
#include <livy/log.h>
#include <livy/output.h>
#include <livy/result.h>
#include <livy/server.h>
#include <livy/session.h>
#include <livy/session_handle.h>
#include <livy/statement.h>
#include <livy/store.h>
